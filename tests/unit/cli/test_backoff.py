from itertools import accumulate

import pytest

from cli.launcher.backoff import Backoff


def test_pauses_double_up_to_the_most() -> None:
    pauses = [Backoff().pause_seconds(failures) for failures in range(1, 9)]

    assert pauses == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]


def test_a_million_failures_still_have_a_pause() -> None:
    assert Backoff().pause_seconds(1_000_000) == 30.0


@pytest.mark.parametrize(("ran_seconds", "failures"), [(0.0, 8), (59.9, 8), (60.0, 1), (9e9, 1)])
def test_a_healthy_life_starts_the_count_over(ran_seconds: float, failures: int) -> None:
    assert Backoff().failures_after(7, ran_seconds=ran_seconds) == failures


def test_a_child_that_dies_at_once_is_counted_each_time() -> None:
    backoff = Backoff()

    counts = accumulate(range(4), lambda n, _: backoff.failures_after(n, ran_seconds=0), initial=0)

    assert list(counts) == [0, 1, 2, 3, 4]
