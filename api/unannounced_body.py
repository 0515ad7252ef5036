"""A request's body whose length its head does not tell: it is charged while it arrives."""

from collections.abc import Callable

from api.whole_body import Readable

#: A step that has begun counts as a whole one: small enough to be fair, large enough that asking
#: the limits costs little beside receiving it.
STEP_BYTES = 256 * 1024


class UnannouncedBody:
    """The same bytes, each step of them charged when it begins.

    Args:
        stream: The body.
        charge: Takes so many bytes out of the caller's limits; what it raises ends the reading.
    """

    def __init__(self, stream: Readable, charge: Callable[[int], None]) -> None:
        self._stream = stream
        self._charge = charge
        self._received_bytes = 0
        self._charged_bytes = 0

    def read(self, size: int = -1, /) -> bytes:
        """At most that many bytes, all that is left without a size; none at the end.

        Raises:
            ApiError: rate_limit_exceeded.
            StoreUnavailable: the limits can't be asked.
        """
        part = self._stream.read(size)
        self._received_bytes += len(part)
        begun_bytes = -(-self._received_bytes // STEP_BYTES) * STEP_BYTES
        if begun_bytes > self._charged_bytes:
            self._charge(begun_bytes - self._charged_bytes)
            self._charged_bytes = begun_bytes
        return part
