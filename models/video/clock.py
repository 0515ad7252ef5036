"""The time of frames, whatever their file says of it."""


class Clock:
    """Frame times from 0 that never fall, whatever the file says."""

    #: Step for frames without a time, seconds.
    _STEP = 0.04

    def __init__(self) -> None:
        self._start: float | None = None
        self._last = 0.0

    def tell(self, time_seconds: float | None) -> float:
        """The time of the next frame."""
        if self._start is None:
            self._start = time_seconds or 0.0
        elif time_seconds is None:
            self._last += self._STEP
        else:
            self._last = max(self._last, time_seconds - self._start)
        return self._last
