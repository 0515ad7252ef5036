"""What reading a video is bounded by and gives: frozen values with units and ranges."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from models.results import Image

#: A frame scaled to THUMBNAIL_SIDE x THUMBNAIL_SIDE without regard to its shape, uint8, RGB, as
#: coded (not yet turned upright).
Thumbnail = NDArray[np.uint8]
THUMBNAIL_SIDE = 32


@dataclass(frozen=True, kw_only=True, slots=True)
class VideoLimits:
    """What a video may cost; one that would cost more is refused before it is decoded."""

    #: Size of the file.
    max_bytes: int = 100 * 1024 * 1024
    #: Playing time of the video stream.
    max_seconds: float = 600.0
    #: Coded frames: ten minutes at 60 frames/s. Every frame up to the last wanted one is decoded.
    max_frames: int = 36_000
    #: Width times height: 4K (4096x2304). A decoder may hold 16 such frames besides the current.
    max_pixels: int = 4096 * 2304
    #: Threads of the decoder. More are faster, but each holds a frame.
    threads: int = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class VideoInfo:
    """A video as its packets show it, which may differ from what its header says."""

    #: "mov" (MP4, MOV), "matroska" (WebM) or "avi".
    container: str
    #: FFmpeg's name of the codec, such as "h264".
    codec: str
    #: Size of the frames, pixels: of the coded ones, until the first is decoded and tells how it is
    #: shown; then of upright ones.
    width: int
    height: int
    #: From the start of the first packet to the end of the last.
    duration_seconds: float
    #: Coded frames, as packets.
    packets: int


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class VideoFrame:
    """One frame that was asked for."""

    #: Upright by the video's rotation and mirror metadata.
    pixels: Image
    #: Since the first frame, never falling.
    time_seconds: float
    #: Counts decoded frames from 0.
    index: int
    #: Counts scenes from 0; see FrameSampler.
    scene: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadNotes:
    """How the reading went so far."""

    #: Frames that came out of the decoder whole.
    decoded_frames: int = 0
    #: Packets or frames the decoder refused, and frames over the limit; they were left out. Some
    #: decoders say nothing of frames they drop: fewer decoded frames than packets may be these,
    #: or packets that are no pictures of their own.
    corrupt_frames: int = 0
    #: The file ends before its header says, or can't be read to its end.
    truncated: bool = False
    #: Reading stopped at the second that was asked for, with more to come.
    stopped_early: bool = False


class FrameChooser(Protocol):
    """Decides which frames are wanted."""

    def choose(self, time_seconds: float, thumbnail: Thumbnail) -> int | None:
        """The scene of a frame that is wanted; None when it is not.

        Called for every decoded frame in its order.

        Args:
            time_seconds: Since the first frame, never falling.
            thumbnail: (THUMBNAIL_SIDE, THUMBNAIL_SIDE, 3) uint8, RGB.
        """
        ...
