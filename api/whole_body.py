"""A request's body that tells when it was cut off."""

from typing import Protocol

from flask import Request
from werkzeug.exceptions import ClientDisconnected


class Readable(Protocol):
    """What bytes come from."""

    def read(self, size: int, /) -> bytes:
        """At most that many bytes; none at the end."""
        ...


class WholeBody:
    """The current request's body, as far as its announced length.

    gunicorn ends the body of a client that has gone as if it were complete: who counts nothing
    would take a list that was cut off for the whole of it.

    Args:
        request: Its limit is set, and its body was not touched yet.
    """

    def __init__(self, request: Request) -> None:
        self._stream = request.stream
        #: What is still to come; None: nobody said.
        self._left_bytes = request.content_length

    def read(self, size: int, /) -> bytes:
        """At most that many bytes; none at the end.

        Raises:
            ClientDisconnected: the end came too early.
        """
        part = self._stream.read(size)
        if self._left_bytes is not None:
            self._left_bytes -= len(part)
            if not part and size and self._left_bytes > 0:
                raise ClientDisconnected
        return part
