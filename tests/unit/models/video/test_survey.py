"""A video's length by its packets, and frame times."""

import pytest

from models.errors import VideoRejected
from models.video.clock import Clock
from models.video.results import VideoLimits
from models.video.survey import ASSUMED_RATE, Survey


def survey(*times: tuple[float, float] | None, limits: VideoLimits | None = None) -> Survey:
    found = Survey(limits or VideoLimits())
    for one in times:
        found.add(one)
    return found


def test_the_length_runs_from_the_first_start_to_the_last_end_in_any_order() -> None:
    found = survey((5.2, 5.4), (5.0, 5.2), (5.6, 5.8), (5.4, 5.6))

    assert found.duration_seconds(None) == pytest.approx(0.8)
    assert found.packets == 4


@pytest.mark.parametrize(("rate", "seconds"), [(10.0, 1.0), (None, 10 / ASSUMED_RATE)])
def test_packets_without_times_count_by_the_rate(rate: float | None, seconds: float) -> None:
    assert survey(*[None] * 10).duration_seconds(rate) == pytest.approx(seconds)


def test_packets_without_times_are_held_to_the_length_too() -> None:
    found = survey(*[None] * 100, limits=VideoLimits(max_seconds=99))

    with pytest.raises(VideoRejected):
        found.duration_seconds(1.0)


@pytest.mark.parametrize(
    ("declared", "short"), [(None, False), (10.0, False), (11.9, False), (12.1, True), (5.0, False)]
)
def test_a_file_falls_short_when_seconds_of_what_it_declares_are_missing(
    declared: float | None, short: bool
) -> None:
    assert survey((0, 10)).falls_short(declared) is short


def test_a_long_file_may_lack_a_tenth() -> None:
    assert not survey((0, 95)).falls_short(100.0)
    assert survey((0, 85)).falls_short(100.0)


def test_times_start_at_zero_never_fall_and_are_made_up_where_there_are_none() -> None:
    clock = Clock()

    times = [clock.tell(time) for time in (7.0, 7.5, 7.2, None, 8.0)]

    assert times == pytest.approx([0, 0.5, 0.5, 0.54, 1.0])


def test_times_that_are_never_given_still_rise() -> None:
    clock = Clock()

    assert [clock.tell(None) for _ in range(3)] == pytest.approx([0, 0.04, 0.08])
