"""Changes as the scripts publish them: one subscription per process."""

import json
import threading
from collections.abc import Collection
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Self

import redis
import structlog

from workers.jobs.changes import Change, LocalChanges, Watch
from workers.jobs.scripts import CHANGES_CHANNEL

#: Pause before a lost subscription is made again.
RECONNECT_SECONDS = 1.0
#: How soon a subscription learns that it is to end.
LISTEN_SECONDS = 0.5

_log = structlog.get_logger()


class RedisChanges:
    """Changes over the channel of the scripts.

    Args:
        client: Of its own: the subscription holds a connection for good.
    """

    def __init__(self, client: redis.Redis) -> None:
        self._client = client
        self._local = LocalChanges()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._listen, name="changes", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def watch(
        self, *, ids: Collection[str] = (), owner: str | None = None
    ) -> AbstractContextManager[Watch]:
        """See Changes."""
        return self._local.watch(ids=ids, owner=owner)

    def interrupt(self) -> None:
        """See Changes."""
        self._local.interrupt()

    def close(self) -> None:
        """Stop listening; nobody waits any more."""
        self._stopping.set()
        self.interrupt()
        self._thread.join(timeout=5)

    def _listen(self) -> None:
        while not self._stopping.is_set():
            try:
                self._follow_channel()
            except redis.RedisError as error:
                _log.warning("changes.connection_lost", error=str(error))
                self._stopping.wait(RECONNECT_SECONDS)
            except Exception:  # noqa: BLE001 - the thread's boundary: without it all waiters poll
                _log.exception("changes.fault")
                self._stopping.wait(RECONNECT_SECONDS)

    def _follow_channel(self) -> None:
        with self._client.pubsub() as channel:
            channel.subscribe(CHANGES_CHANNEL)
            while not self._stopping.is_set():
                message = channel.get_message(timeout=LISTEN_SECONDS)
                if message is None:
                    continue
                if message["type"] == "message":
                    self._local.publish(_change_of(str(message["data"])))
                elif message["type"] == "subscribe":
                    # The first, or one after a connection that broke and was made again silently.
                    self._local.missed()


def _change_of(text: str) -> Change:
    told = json.loads(text)
    return Change(
        id=told["id"],
        owner=told["owner"],
        kind=told["kind"],
        state=told["state"],
        version=int(told["version"]),
    )
