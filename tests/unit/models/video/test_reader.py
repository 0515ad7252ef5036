"""Frames out of good videos."""

import gc
import io
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from models.video.reader import VideoReader, read_frames
from models.video.results import THUMBNAIL_SIDE, Thumbnail, VideoFrame, VideoLimits

BLUE, RED, GREEN = (30, 40, 220), (220, 30, 30), (30, 200, 40)
MakeClip = Callable[..., Path]


class Everything:
    """Wants every frame."""

    def __init__(self) -> None:
        self.thumbnails: list[Thumbnail] = []

    def choose(self, _time_seconds: float, thumbnail: Thumbnail) -> int | None:
        self.thumbnails.append(thumbnail)
        return 0


class Nothing:
    """Wants no frame."""

    def choose(self, _time_seconds: float, _thumbnail: Thumbnail) -> int | None:
        return None


def frames_of(path: Path) -> list[VideoFrame]:
    return list(read_frames(path, VideoLimits(), Everything()))


@pytest.mark.parametrize(
    ("name", "codec", "container"),
    [
        ("a.mp4", "libx264", "mov"),
        ("a.mp4", "mpeg4", "mov"),
        ("a.mov", "libx264", "mov"),
        ("a.webm", "libvpx-vp9", "matroska"),
        ("a.webm", "libvpx", "matroska"),
        ("a.webm", "libsvtav1", "matroska"),
        ("a.avi", "mjpeg", "avi"),
    ],
)
def test_all_frames_of_a_clip_come_in_order_with_their_times_and_colours(
    make_clip: MakeClip, name: str, codec: str, container: str
) -> None:
    path = make_clip(name, codec=codec)

    with VideoReader(path) as reader:
        frames = list(reader.frames(Everything()))

    assert reader.info.container == container
    assert reader.info.duration_seconds == pytest.approx(2.0, abs=0.11)
    assert (reader.info.width, reader.info.height, reader.info.packets) == (96, 64, 20)
    assert [frame.index for frame in frames] == list(range(20))
    times = [frame.time_seconds for frame in frames]
    assert times == pytest.approx([i / 10 for i in range(20)], abs=0.01)
    assert np.abs(frames[7].pixels[50, 80] - np.array(RED, int)).max() < 12
    assert np.abs(frames[7].pixels[10, 10] - np.array(BLUE, int)).max() < 12
    assert (reader.notes.decoded_frames, reader.notes.corrupt_frames) == (20, 0)
    assert not reader.notes.truncated


def test_pixels_are_contiguous_rgb_bytes(make_clip: MakeClip) -> None:
    (frame, *_) = frames_of(make_clip("a.mp4", turned=(90, False, False)))

    assert frame.pixels.dtype == np.uint8
    assert frame.pixels.flags.c_contiguous


@pytest.mark.parametrize(
    ("turned", "corner"),
    [
        ((0, False, False), "top left"),
        ((90, False, False), "bottom left"),
        ((180, False, False), "bottom right"),
        ((-90, False, False), "top right"),
        ((0, True, False), "top right"),
        ((0, False, True), "bottom left"),
    ],
)
def test_frames_are_turned_and_mirrored_as_the_file_says(
    make_clip: MakeClip, turned: tuple[float, bool, bool], corner: str
) -> None:
    """The blue quarter of the coded frame is at its top left; turns are counterclockwise."""
    with VideoReader(make_clip("a.mp4", turned=turned), VideoLimits()) as reader:
        frame = next(iter(reader.frames(Everything())))
        told = (reader.info.width, reader.info.height)

    height, width = frame.pixels.shape[:2]
    assert (width, height) == told == ((64, 96) if abs(turned[0]) == 90 else (96, 64))
    vertical, horizontal = corner.split()
    row = 5 if vertical == "top" else height - 5
    column = 5 if horizontal == "left" else width - 5
    assert np.abs(frame.pixels[row, column] - np.array(BLUE, int)).max() < 12
    assert np.abs(frame.pixels[height - row, width - column] - np.array(RED, int)).max() < 12


def test_frames_of_varying_rate_keep_their_times(make_clip: MakeClip) -> None:
    times = [0.0, 0.1, 0.5, 0.55, 2.0]
    picture = np.full((64, 96, 3), 90, np.uint8)

    frames = frames_of(make_clip("a.mp4", pictures=[picture] * 5, times=times))

    assert [frame.time_seconds for frame in frames] == pytest.approx(times, abs=0.002)


def test_times_start_at_the_first_frame(make_clip: MakeClip) -> None:
    picture = np.full((64, 96, 3), 90, np.uint8)

    frames = frames_of(make_clip("a.webm", codec="libvpx", pictures=[picture] * 2, times=[5, 6]))

    assert [frame.time_seconds for frame in frames] == pytest.approx([0, 1])


def test_a_clip_of_one_frame_is_a_video(make_clip: MakeClip) -> None:
    path = make_clip("a.mp4", pictures=[np.full((64, 96, 3), 90, np.uint8)])

    assert [frame.time_seconds for frame in frames_of(path)] == [0.0]


def test_only_chosen_frames_are_given_and_every_frame_is_shown_small(make_clip: MakeClip) -> None:
    path, shown = make_clip("a.mp4"), Everything()

    with VideoReader(path) as reader:
        assert list(reader.frames(Nothing())) == []
        list(reader.frames(shown))

    assert [small.shape for small in shown.thumbnails] == [(THUMBNAIL_SIDE, THUMBNAIL_SIDE, 3)] * 20
    assert np.abs(shown.thumbnails[3][25, 25] - np.array(RED, int)).max() < 12


def test_reading_stops_where_it_is_told_to(make_clip: MakeClip) -> None:
    with VideoReader(make_clip("a.mp4")) as reader:
        frames = list(reader.frames(Everything(), until_seconds=0.5))

    assert len(frames) == 5
    assert reader.notes.stopped_early


def test_a_video_in_memory_is_read_and_stays_the_callers(make_clip: MakeClip) -> None:
    file = io.BytesIO(make_clip("a.webm", codec="libvpx").read_bytes())

    frames = list(read_frames(file, VideoLimits(), Everything()))

    assert len(frames) == 20
    assert not file.closed


def test_memory_does_not_grow_with_the_video(make_clip: MakeClip) -> None:
    """Counts live frames instead of bytes: a byte count depends on the allocator."""
    noise = np.random.default_rng(1).integers(0, 255, (64, 96, 3), np.uint8)
    path = make_clip("long.mp4", pictures=[noise] * 400)
    alive: weakref.WeakValueDictionary[int, Any] = weakref.WeakValueDictionary()
    most = 0

    gc.collect()
    gc.disable()
    try:
        for frame in read_frames(path, VideoLimits(), Everything()):
            alive[frame.index] = frame.pixels
            most = max(most, len(alive))
        left = [one for one in gc.get_objects() if isinstance(one, av.VideoFrame)]
    finally:
        gc.enable()

    assert frame.index == 399
    assert most <= 2
    # What PyAV leaves to the garbage collector are thumbnails.
    assert [one.width for one in left].count(96) <= 2
