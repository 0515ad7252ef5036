"""Small clips made on the spot."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import numpy as np
import pytest
from av.video.stream import VideoStream
from numpy.typing import NDArray

#: Width and height of the clips, pixels.
WIDTH, HEIGHT = 96, 64
RED, GREEN, BLUE = (220, 30, 30), (30, 200, 40), (30, 40, 220)


def plain(colour: tuple[int, int, int] = RED) -> NDArray[np.uint8]:
    """One colour, with a blue upper left quarter."""
    picture = np.empty((HEIGHT, WIDTH, 3), np.uint8)
    picture[:] = colour
    picture[: HEIGHT // 2, : WIDTH // 2] = BLUE
    return picture


MakeClip = Callable[..., Path]


@pytest.fixture
def make_clip(tmp_path: Path) -> MakeClip:
    """Writes a clip: its name decides the container."""

    def make(
        name: str,
        *,
        codec: str = "libx264",
        pictures: Sequence[NDArray[np.uint8]] = (plain(),) * 20,
        rate: int = 10,
        times: Sequence[float] | None = None,
        turned: tuple[float, bool, bool] | None = None,
    ) -> Path:
        path = tmp_path / name
        options = {"movflags": "faststart"} if name.startswith("index_first") else {}
        with av.open(str(path), "w", options=options) as container:
            stream = cast("VideoStream", container.add_stream(codec, rate=rate))
            stream.height, stream.width = pictures[0].shape[:2]
            stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
            if codec != "mpeg2video":
                stream.codec_context.time_base = Fraction(1, 1000)
            if turned is not None:
                stream.set_display_rotation(turned[0], hflip=turned[1], vflip=turned[2])
            for number, picture in enumerate(pictures):
                frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
                seconds = number / rate if times is None else times[number]
                frame.pts, frame.time_base = round(seconds * 1000), Fraction(1, 1000)
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
        return path

    return make


@pytest.fixture
def sound_only(tmp_path: Path) -> Path:
    """An MP4 file with one second of silence and no picture."""
    path = tmp_path / "sound.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=8000, layout="mono")
        frame = av.AudioFrame.from_ndarray(
            np.zeros((1, 8000), np.float32), format="fltp", layout="mono"
        )
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path
