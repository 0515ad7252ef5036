"""Whatever is changed in a video: frames within the limits, or a refusal; nothing else."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from models.errors import VideoRejected
from models.video.reader import VideoReader
from models.video.results import Thumbnail, VideoLimits

MakeClip = Callable[..., Path]
LIMITS = VideoLimits(max_pixels=96 * 64, max_frames=40, max_seconds=20)


class Everything:
    """Wants every frame."""

    def choose(self, _time_seconds: float, _thumbnail: Thumbnail) -> int | None:
        return 0


@pytest.mark.parametrize(
    ("name", "codec"), [("a.mp4", "libx264"), ("a.webm", "libvpx"), ("a.avi", "mjpeg")]
)
def test_a_changed_video_is_read_or_refused(make_clip: MakeClip, name: str, codec: str) -> None:
    body = np.frombuffer(make_clip(name, codec=codec).read_bytes(), np.uint8)
    random = np.random.default_rng(7)
    outcomes = set()

    for _ in range(120):
        changed = body.copy()
        places = random.integers(0, len(body), random.integers(1, 12))
        changed[places] = random.choice([0, 1, 127, 255, 64], len(places))
        end = len(body) if random.random() < 0.8 else int(random.integers(0, len(body)))
        try:
            with VideoReader(io.BytesIO(changed[:end].tobytes()), LIMITS) as reader:
                frames = list(reader.frames(Everything()))
        except VideoRejected as error:
            outcomes.add(error.code)
        else:
            outcomes.add("read")
            assert all(frame.pixels.size <= 96 * 64 * 3 for frame in frames)
            assert all(frame.time_seconds >= 0 for frame in frames)

    assert {"read", "video_undecodable"} <= outcomes
