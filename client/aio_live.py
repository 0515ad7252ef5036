"""Live frames for asyncio: the same as `client.live`, awaited."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any, Self

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from client.errors import GatewayAway
from client.live_messages import (
    MOST_MESSAGE_BYTES,
    OPEN_SECONDS,
    SUBPROTOCOL,
    LiveAnswer,
    LiveCounts,
    answer_of,
    counts_of,
    ended_by,
    frame_message,
    headers_for,
    live_url,
    refusal,
    start_message,
)


class AsyncLiveStream:
    """Frames in, answers out, in order. One task may send while another reads.

    The gateway analyses the newest frame and passes over older ones that still wait: send as often
    as the camera gives, and look at `dropped`.

        async with AsyncLiveStream(url, key=key, analyses=["detection"]) as live:
            await live.send(jpeg)
            answer = await live.receive()

    Args:
        url: Of the gateway.
        key: An API key or access token.
        analyses: What is done with each frame; the gateway's default when not given.
        max_fps: How often a frame is analysed at most.
        options: As of POST /api/v1/face/analyze.
    """

    def __init__(
        self,
        url: str,
        *,
        key: str | None = None,
        analyses: tuple[str, ...] | list[str] | None = None,
        max_fps: float | None = None,
        **options: Any,  # noqa: ANN401 - as the gateway takes them
    ) -> None:
        self._url = live_url(url)
        self._key = key
        self._start = start_message(tuple(analyses) if analyses else None, max_fps, **options)
        self._opened = AsyncExitStack()
        self._connection: ClientConnection

    async def __aenter__(self) -> Self:
        """Connect.

        Raises:
            Problem: the gateway refused the connection.
            GatewayAway: it did not answer.
        """
        try:
            self._connection = await self._opened.enter_async_context(
                connect(
                    self._url,
                    additional_headers=headers_for(self._key),
                    subprotocols=[SUBPROTOCOL],  # type: ignore[list-item]  # a NewType of str
                    open_timeout=OPEN_SECONDS,
                    max_size=MOST_MESSAGE_BYTES,
                    proxy=None,
                )
            )
        except InvalidStatus as error:
            raise refusal(error) from None
        except (OSError, TimeoutError) as error:
            raise GatewayAway(f"The gateway did not answer: {error}.") from error
        await self._send(self._start)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._opened.aclose()

    async def send(self, content: bytes, *, frame_id: int | str | None = None) -> None:
        """Send a frame; does not wait for its answer.

        Args:
            content: A JPEG, PNG or WebP file.
            frame_id: Told again with the answer. Such frames are a third larger on their way.

        Raises:
            LiveEnded: the connection has ended.
        """
        await self._send(frame_message(content, frame_id))

    async def receive(self, *, timeout_seconds: float | None = None) -> LiveAnswer:
        """The next answer.

        Raises:
            TimeoutError: there was none in that time.
            LiveEnded: the connection has ended.
        """
        while True:
            told = await self._receive(timeout_seconds)
            if isinstance(told, LiveAnswer):
                return told

    async def stop(self) -> tuple[list[LiveAnswer], LiveCounts]:
        """Send no more: the answers still to come, and what became of all frames.

        Raises:
            LiveEnded: the connection has ended.
        """
        await self._send('{"type": "stop"}')
        rest = [told async for told in self._until_stopped()]
        return [one for one in rest if isinstance(one, LiveAnswer)], counts_of(rest[-1])

    async def _until_stopped(self) -> AsyncIterator[LiveAnswer | LiveCounts]:
        while True:
            told = await self._receive(None)
            if told is not None:
                yield told
            if isinstance(told, LiveCounts):
                return

    async def _send(self, message: bytes | str) -> None:
        try:
            await self._connection.send(message)
        except ConnectionClosed as error:
            raise ended_by(error) from None

    async def _receive(self, timeout_seconds: float | None) -> LiveAnswer | LiveCounts | None:
        try:
            async with asyncio.timeout(timeout_seconds):
                return answer_of(await self._connection.recv())
        except ConnectionClosed as error:
            raise ended_by(error) from None
