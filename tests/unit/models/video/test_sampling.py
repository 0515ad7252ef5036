"""Which frames are chosen."""

from collections.abc import Sequence

import numpy as np
import pytest

from models.video.results import THUMBNAIL_SIDE, Thumbnail
from models.video.sampling import FrameSampler, SamplingOptions, difference


def thumbnail(value: int) -> Thumbnail:
    return np.full((THUMBNAIL_SIDE, THUMBNAIL_SIDE, 3), value, np.uint8)


def chosen(
    sampler: FrameSampler, times: Sequence[float], values: Sequence[int] | None = None
) -> list[tuple[float, int]]:
    """Time and scene of each chosen frame."""
    shown = values or [100] * len(times)
    found = [
        (time, sampler.choose(time, thumbnail(value)))
        for time, value in zip(times, shown, strict=True)
    ]
    return [(time, scene) for time, scene in found if scene is not None]


def seconds(length: float, rate: float = 25) -> list[float]:
    return [i / rate for i in range(round(length * rate))]


def test_a_short_video_is_sampled_at_the_full_rate() -> None:
    sampler = FrameSampler(3.0, SamplingOptions(frames_per_second=2))

    times = [time for time, _ in chosen(sampler, seconds(3.0, rate=10))]

    assert times == [0, 0.5, 1.0, 1.5, 2.0, 2.5]


def test_a_long_videos_samples_are_spread_over_all_of_it() -> None:
    sampler = FrameSampler(100.0, SamplingOptions(frames_per_second=2, max_frames=10))

    times = [time for time, _ in chosen(sampler, seconds(100.0))]

    assert times == [0, 10, 20, 30, 40, 50, 60, 70, 80, 90]


def test_rare_frames_are_all_taken_and_gaps_are_not_made_up_for() -> None:
    sampler = FrameSampler(30.0, SamplingOptions(frames_per_second=2))

    times = [time for time, _ in chosen(sampler, [0, 10, 10.1, 10.2, 10.6, 29])]

    assert times == [0, 10, 10.6, 29]


@pytest.mark.parametrize("length", [None, 1.0])
def test_a_video_longer_than_known_is_sampled_ever_less_densely(length: float | None) -> None:
    sampler = FrameSampler(length, SamplingOptions(frames_per_second=2, max_frames=8))

    times = [time for time, _ in chosen(sampler, seconds(600.0))]

    # 8 samples, and 4 more for each doubling of the 4 seconds they cover: 600 s are 7.2 of them.
    assert len(times) <= 8 + 4 * 8 + 1
    gaps = np.diff(times)
    assert gaps[0] == pytest.approx(0.5, abs=0.05)
    assert (np.diff(gaps) > -0.1).all()
    assert times[-1] > 500


def test_a_cut_starts_a_scene_and_its_first_frame_is_taken() -> None:
    sampler = FrameSampler(4.0, SamplingOptions(frames_per_second=0.5))

    found = chosen(sampler, seconds(4.0), [100] * 30 + [200] * 70)

    assert found == [(0, 0), (1.2, 1), (2.0, 1)]
    assert sampler.scene_starts == [0, 1.2]


def test_a_slow_change_is_no_cut() -> None:
    sampler = FrameSampler(4.0, SamplingOptions())

    chosen(sampler, seconds(4.0), [40 + 2 * i for i in range(100)])

    assert sampler.scene_starts == [0]


def test_fast_movement_is_no_cut_unless_it_stands_out() -> None:
    """A hand-held camera changes every frame by 20; a cut in it by 100."""
    shaking = [100 + 20 * (i % 2) for i in range(50)]
    sampler = FrameSampler(4.0, SamplingOptions())

    chosen(sampler, seconds(4.0), [*shaking, *(value + 100 for value in shaking)])

    assert sampler.scene_starts == [0, 2.0]


def test_a_flash_is_one_change_not_two() -> None:
    sampler = FrameSampler(4.0, SamplingOptions(min_scene_seconds=0.5))

    chosen(sampler, seconds(4.0), [100] * 50 + [250] * 2 + [100] * 48)

    assert sampler.scene_starts == [0, 2.0]


def test_scenes_and_their_frames_are_bounded() -> None:
    options = SamplingOptions(max_frames=10, max_cut_frames=5, cut_ratio=1)
    sampler = FrameSampler(60.0, options)

    found = chosen(sampler, seconds(60.0), [(i // 25 % 2) * 200 for i in range(1500)])

    assert len(found) <= 15
    assert len(sampler.scene_starts) == 6


def test_the_difference_of_black_and_white_is_255() -> None:
    assert difference(thumbnail(0), thumbnail(255)) == 255
    assert difference(thumbnail(255), thumbnail(0)) == 255
