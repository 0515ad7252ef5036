"""How long a video really is: its packets counted, whatever its header says."""

from models.errors import VideoRejected
from models.video.results import VideoLimits

#: Frames per second where a file says nothing of time.
ASSUMED_RATE = 25.0
#: A file is cut short when so many seconds are missing (sound may well go on for a moment after
#: the last frame) and this share of what it declares.
_SHORT_SECONDS, _SHORT_SHARE = 2.0, 0.1


class Survey:
    """Counts packets and holds them to the limits."""

    def __init__(self, limits: VideoLimits) -> None:
        self.packets = 0
        self._limits = limits
        self._start: float | None = None
        self._end = 0.0

    def add(self, times: tuple[float, float] | None) -> None:
        """Count a packet.

        Args:
            times: Its start and end, seconds; None when it has none.

        Raises:
            VideoRejected: there are too many, or the video takes too long.
        """
        self.packets += 1
        if self.packets > self._limits.max_frames:
            raise VideoRejected(
                "video_too_long",
                f"The video has more than the allowed {self._limits.max_frames} frames.",
            )
        if times is None:
            return
        start, end = times
        if self._start is None:
            self._start, self._end = start, end
        self._start, self._end = min(self._start, start), max(self._end, end)
        self._check_length(self._end - self._start)

    def duration_seconds(self, rate: float | None) -> float:
        """From the first packet to the end of the last.

        Args:
            rate: Frames per second the header claims; used where packets have no times.

        Raises:
            VideoRejected: there were no packets, or so many that they take too long.
        """
        if self.packets == 0:
            raise VideoRejected("video_without_frames", "The video stream has no frames.")
        if self._start is not None:
            return self._end - self._start
        seconds = self.packets / (rate or ASSUMED_RATE)
        self._check_length(seconds)
        return seconds

    def falls_short(self, declared_seconds: float | None) -> bool:
        """Whether clearly less is there than the header declares; None where it does not."""
        if declared_seconds is None or self._start is None:
            return False
        missing = declared_seconds - (self._end - self._start)
        return missing > max(_SHORT_SECONDS, _SHORT_SHARE * declared_seconds)

    def _check_length(self, seconds: float) -> None:
        if seconds > self._limits.max_seconds:
            raise VideoRejected(
                "video_too_long",
                f"The video lasts {seconds:.0f} seconds;"
                f" {self._limits.max_seconds:.0f} are allowed.",
            )
