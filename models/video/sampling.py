"""Which frames of a video are looked at: spread over its time, and after each scene change."""

from collections import deque
from dataclasses import dataclass

import numpy as np

from models.video.results import Thumbnail


@dataclass(frozen=True, kw_only=True, slots=True)
class SamplingOptions:
    """How many frames are wanted."""

    #: Frames per second of video, as long as `max_frames` allows.
    frames_per_second: float = 2.0
    #: Frames spread over the whole video.
    max_frames: int = 64
    #: Further frames, each the first of a scene.
    max_cut_frames: int = 32
    #: Mean difference of two thumbnails from which a cut is possible, 0 to 255. In FaceForensics++
    #: clips cuts lie at 19 and 24, people who talk below 2, a hand-held phone at up to 24.
    cut_difference: float = 15.0
    #: A cut also differs so many times more than the frames before it did: fast movement does not.
    cut_ratio: float = 4.0
    #: A scene lasts at least so long: flashes and blends are no scenes.
    min_scene_seconds: float = 0.5


#: Frames whose differences say how much movement there is.
_RECENT = 8


class FrameSampler:
    """Chooses frames one by one; its memory does not grow with the video, but for its scenes.

    Attributes:
        scene_starts: Start of each scene, seconds; the first is 0. At most
            `max_cut_frames` + 1: later changes go unnoticed.
    """

    def __init__(self, duration_seconds: float | None, options: SamplingOptions) -> None:
        """Plan a video.

        Args:
            duration_seconds: Its length; None where it is not known.
            options: How many frames are wanted.
        """
        self.scene_starts: list[float] = [0.0]
        self._options = options
        spread = (duration_seconds or 0.0) / options.max_frames
        self._interval = max(1 / options.frames_per_second, spread)
        self._due = 0.0
        self._taken = 0
        self._previous: Thumbnail | None = None
        self._recent: deque[float] = deque(maxlen=_RECENT)

    def choose(self, time_seconds: float, thumbnail: Thumbnail) -> int | None:
        """See FrameChooser.choose."""
        is_cut = self._is_cut(time_seconds, thumbnail)
        if is_cut:
            self.scene_starts.append(time_seconds)
        is_due = time_seconds >= self._due
        if is_due:
            self._take(time_seconds)
        return len(self.scene_starts) - 1 if is_cut or is_due else None

    def _take(self, time_seconds: float) -> None:
        # Where the video is longer than was known, every further stretch is sampled half as
        # densely as the one before.
        if self._taken >= self._options.max_frames:
            self._interval *= 2
            self._taken = self._options.max_frames // 2
        self._taken += 1
        self._due = (np.floor(time_seconds / self._interval + 1e-9) + 1) * self._interval - 1e-6

    def _is_cut(self, time_seconds: float, thumbnail: Thumbnail) -> bool:
        previous, self._previous = self._previous, thumbnail
        if previous is None:
            return False
        change = difference(previous, thumbnail)
        usual = float(np.median(self._recent)) if self._recent else 0.0
        self._recent.append(change)
        options = self._options
        return (
            change >= max(options.cut_difference, options.cut_ratio * usual)
            and time_seconds - self.scene_starts[-1] >= options.min_scene_seconds
            and len(self.scene_starts) <= options.max_cut_frames
        )


def difference(one: Thumbnail, other: Thumbnail) -> float:
    """Mean absolute difference of two thumbnails' values, 0 to 255."""
    return float(np.abs(one.astype(np.int16) - other.astype(np.int16)).mean())
