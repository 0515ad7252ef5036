"""What every probe of a device's memory promises: a card's, a simulated one and a fixed one."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import pynvml
import pytest

from vram.errors import ProbeFailed
from vram.nvml import NvmlProbe
from vram.probe import FixedProbe, MemoryProbe, SimulatedProbe, median_used_mib
from vram.testing import FakeCard, FakeNvml

MIB = 2**20
TOTAL = 6144 * MIB


@dataclass
class Device:
    """A probe, and how to change what it reads."""

    probe: MemoryProbe
    take: Callable[[int], None]
    kind: str


class Makes(Protocol):
    def __call__(self) -> Device: ...


def _nvml() -> Device:
    card = FakeCard(total=TOTAL, free=TOTAL)

    def take(used: int) -> None:
        card.free = TOTAL - used

    return Device(NvmlProbe(0, FakeNvml(cards=[card])), take, "gpu")


def _simulated() -> Device:
    used = [0]

    def take(value: int) -> None:
        used[0] = value

    return Device(SimulatedProbe(total_bytes=TOTAL, used=lambda: used[0]), take, "simulated")


def _fixed() -> Device:
    probe = FixedProbe(total_bytes=TOTAL)

    def take(value: int) -> None:
        probe.taken_bytes = value

    return Device(probe, take, "fixed")


@pytest.fixture(params=[_nvml, _simulated, _fixed])
def device(request: pytest.FixtureRequest) -> Device:
    make: Makes = request.param
    return make()


def test_it_has_a_name_and_says_what_it_is(device: Device) -> None:
    assert device.probe.name
    assert device.probe.identity.kind == device.kind


def test_only_a_real_card_has_a_uuid_and_the_others_say_that_nothing_is_read(
    device: Device,
) -> None:
    identity = device.probe.identity
    is_real = device.kind == "gpu"
    assert (identity.uuid is not None) is is_real
    assert (identity.driver is not None) is is_real
    assert any("no device is read" in note for note in identity.notes) is not is_real


def test_it_reads_what_is_taken_now(device: Device) -> None:
    assert device.probe.total_bytes == TOTAL
    for used in (0, 250 * MIB, 100 * MIB, TOTAL):
        device.take(used)
        assert device.probe.used_bytes() == used


@pytest.mark.parametrize(
    ("used", "used_mib", "free_mib"), [(0, 0, 6144), (1, 1, 6143), (100 * MIB + 1, 101, 6043)]
)
def test_whole_mib_promise_less_rather_than_more(
    device: Device, used: int, used_mib: int, free_mib: int
) -> None:
    device.take(used)
    found = device.probe.read()
    assert (found.total_mib, found.used_mib, found.free_mib) == (6144, used_mib, free_mib)


def test_the_median_of_three_readings_drops_a_stray_one(device: Device) -> None:
    readings = iter([300 * MIB + 1, 5000 * MIB, 100 * MIB])
    device.take(next(readings))

    found = median_used_mib(device.probe, sleep=lambda _: device.take(next(readings)))

    assert found == 301
    assert list(readings) == []


def test_a_device_that_can_t_be_read_fails() -> None:
    nvml = FakeNvml(cards=[FakeCard()])
    card, fixed = NvmlProbe(0, nvml), FixedProbe(total_bytes=1)
    nvml.read_error = pynvml.NVMLError_GpuIsLost()
    fixed.error = "gone"
    for probe in (card, fixed):
        for read in (probe.used_bytes, probe.read):
            with pytest.raises(ProbeFailed):
                read()
