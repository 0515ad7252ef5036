"""JSON bodies with files in base64: on disk until it is their turn, few in memory at a time.

What is made of such a body takes several times its text. Many clients that send large ones at once
would take the gateway's memory many times over, so large ones take turns.
"""

import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, cast

from flask import Request

from api.errors import ApiError
from api.offload import offload

#: Bodies up to this size need no turn and no disk.
SMALL_BYTES = 1024 * 1024
#: Longest wait for a turn; a body of the largest size takes about a second.
TURN_SECONDS = 10.0
_PART_BYTES = 64 * 1024
_turn = threading.BoundedSemaphore(1)


@contextmanager
def json_members(
    request: Request,
    parse: Callable[[bytes], dict[str, Any]],
    *,
    turn_seconds: float = TURN_SECONDS,
) -> Iterator[dict[str, Any]]:
    """The members of a JSON body; what large ones hold is to be taken out of memory in the context.

    Args:
        request: Its `max_content_length` is the limit.
        parse: Makes the members of the text.
        turn_seconds: Longest wait for a turn.

    Raises:
        RequestEntityTooLarge: the body is larger than the limit.
        ApiError: `gateway_busy`, or what `parse` raises.
    """
    with tempfile.SpooledTemporaryFile(SMALL_BYTES) as spooled:
        file = cast("BinaryIO", spooled)
        # Before the turn: a client that sends slowly holds up nobody.
        while part := request.stream.read(_PART_BYTES):
            file.write(part)
        with _turn_for(file.tell(), turn_seconds):
            file.seek(0)
            yield offload(parse, file.read())


@contextmanager
def _turn_for(size_bytes: int, seconds: float) -> Iterator[None]:
    if size_bytes <= SMALL_BYTES:
        yield
        return
    if not _turn.acquire(timeout=seconds):
        raise ApiError(
            "gateway_busy",
            "Too many large JSON bodies are being read. Try again, or send the files as a form.",
        )
    try:
        yield
    finally:
        _turn.release()
