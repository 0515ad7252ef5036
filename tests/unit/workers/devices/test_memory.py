"""Readings of a device: what came, what came back, and what says nothing."""

from collections.abc import Callable

import pytest

from vram.errors import ProbeFailed
from vram.probe import FixedProbe
from workers.devices.memory import BACK_SECONDS, MEBIBYTE, DeviceMemory


class Moving:
    """A device whose use follows a script; time passes only while somebody waits."""

    def __init__(self, *used_mib: float) -> None:
        self.now = 0.0
        self.probe = FixedProbe(total_bytes=1000 * MEBIBYTE)
        self._script = list(used_mib)
        self.memory = DeviceMemory(self.probe, clock=lambda: self.now, sleep=self._sleep)
        self._next()

    def _next(self) -> None:
        if self._script:
            self.probe.taken_bytes = int(self._script.pop(0) * MEBIBYTE)

    def _sleep(self, seconds: float) -> None:
        self.now += seconds
        self._next()


def test_used_is_rounded_up_and_free_down() -> None:
    device = Moving(10.5)

    assert (device.memory.used_mib(), device.memory.free_mib()) == (11, 989)


@pytest.mark.parametrize(("readings", "steady"), [((100, 105), 105), ((100, 120), None)])
def test_a_reading_counts_only_if_nothing_moves(
    readings: tuple[int, int], steady: int | None
) -> None:
    assert Moving(*readings).memory.steady_mib() == steady


@pytest.mark.parametrize(
    ("before", "after", "grown"),
    [(100, 180, 80), (100, 110, None), (100, 90, None), (100, 600, None), (None, 180, None)],
)
def test_a_growth_that_no_model_can_have_is_no_measure(
    before: int | None, after: int, grown: int | None
) -> None:
    assert Moving(after).memory.grown_mib(before, least_mib=40, most_mib=400) == grown


def test_an_unload_is_waited_for_until_most_is_back() -> None:
    device = Moving(200, 190, 170, 130, 110)

    assert device.memory.returned_mib(200, 80) == 70
    assert device.now < 1


def test_what_does_not_come_back_is_not_waited_for_for_ever() -> None:
    device = Moving(200)

    assert device.memory.returned_mib(200, 80) == 0
    assert device.now == pytest.approx(BACK_SECONDS, abs=0.2)


def test_when_no_more_comes_back_the_wait_ends_early() -> None:
    device = Moving(200, 170)

    assert device.memory.returned_mib(200, 80) == 30
    assert device.now < 1


def test_no_more_comes_back_than_the_model_took() -> None:
    assert Moving(50).memory.returned_mib(200, 80) == 80


@pytest.mark.parametrize(
    "read",
    [
        lambda memory: memory.free_mib(),
        lambda memory: memory.steady_mib(),
        lambda memory: memory.returned_mib(10, 10),
    ],
)
@pytest.mark.parametrize("is_there", [True, False])
def test_a_device_that_can_not_be_read_says_nothing(
    read: Callable[[DeviceMemory], object], *, is_there: bool
) -> None:
    probe = FixedProbe(total_bytes=1000)
    probe.error = "gone"
    memory = DeviceMemory(probe if is_there else None)

    with pytest.raises(ProbeFailed):
        memory.used_mib()
    if is_there:
        assert read(memory) is None
    else:
        assert memory.returned_mib(None, 10) is memory.free_mib() is memory.steady_mib() is None
