"""Reading a card's memory, from a library that is like NVML."""

from dataclasses import dataclass, field
from types import SimpleNamespace

import pynvml
import pytest

from vram.errors import ProbeFailed
from vram.probe import MemoryProbe, NvmlProbe, SimulatedProbe, list_gpus


@dataclass
class FakeNvml:
    """As much of `pynvml` as the probe uses, for cards given as (name, total, free) in bytes."""

    cards: list[tuple[str, int, int]] = field(default_factory=list)
    knows_v2: bool = True
    init_error: Exception | None = None
    count_error: Exception | None = None
    open_count: int = 0
    nvmlMemory_v2: int = 0x02000028  # noqa: N815 - the library's spelling

    NVMLError = pynvml.NVMLError
    NVMLError_LibraryNotFound = pynvml.NVMLError_LibraryNotFound
    NVMLError_DriverNotLoaded = pynvml.NVMLError_DriverNotLoaded
    NVMLError_FunctionNotFound = pynvml.NVMLError_FunctionNotFound
    NVMLError_NotSupported = pynvml.NVMLError_NotSupported

    def nvmlInit(self) -> None:  # noqa: N802 - the library's spelling
        if self.init_error:
            raise self.init_error
        self.open_count += 1

    def nvmlShutdown(self) -> None:  # noqa: N802 - the library's spelling
        self.open_count -= 1

    def nvmlDeviceGetCount(self) -> int:  # noqa: N802 - the library's spelling
        if self.count_error:
            raise self.count_error
        return len(self.cards)

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:  # noqa: N802 - the library's spelling
        if index >= len(self.cards):
            raise pynvml.NVMLError_InvalidArgument
        return index

    def nvmlDeviceGetName(self, handle: int) -> str:  # noqa: N802 - the library's spelling
        return self.cards[handle][0]

    def nvmlDeviceGetMemoryInfo(  # noqa: N802 - the library's spelling
        self, handle: int, version: int | None = None
    ) -> SimpleNamespace:
        if handle >= len(self.cards):
            raise pynvml.NVMLError_GpuIsLost
        if version is not None and not self.knows_v2:
            raise pynvml.NVMLError_FunctionNotFound
        _, total, free = self.cards[handle]
        # Version 2 leaves what the driver reserves out of `used`.
        used = total - free - (100 if version else 0)
        return SimpleNamespace(total=total, free=free, used=used)


def test_a_card_is_read_by_its_index() -> None:
    nvml = FakeNvml(cards=[("First", 1000, 900), ("Second", 6000, 4500)])

    probe: MemoryProbe = NvmlProbe(1, nvml)

    assert (probe.name, probe.total_bytes) == ("Second", 6000)
    assert probe.used_bytes() == 1500


def test_an_old_driver_is_read_with_the_first_version() -> None:
    probe = NvmlProbe(0, FakeNvml(cards=[("Old", 1000, 400)], knows_v2=False))

    assert probe.used_bytes() == 600


def test_memory_is_read_anew_each_time() -> None:
    nvml = FakeNvml(cards=[("Card", 1000, 900)])
    probe = NvmlProbe(0, nvml)

    nvml.cards[0] = ("Card", 1000, 300)

    assert probe.used_bytes() == 700


def test_a_card_that_does_not_exist_fails_the_probe() -> None:
    with pytest.raises(ProbeFailed, match="nvidia-smi"):
        NvmlProbe(1, FakeNvml(cards=[("Only", 1000, 900)]))


def test_a_missing_driver_fails_the_probe() -> None:
    with pytest.raises(ProbeFailed):
        NvmlProbe(0, FakeNvml(init_error=pynvml.NVMLError_DriverNotLoaded()))


def test_a_card_that_is_lost_fails_the_reading() -> None:
    nvml = FakeNvml(cards=[("Card", 1000, 900)])
    probe = NvmlProbe(0, nvml)

    nvml.cards.clear()

    with pytest.raises(ProbeFailed, match="NVML says"):
        probe.used_bytes()


def test_a_simulated_device_uses_what_it_is_told() -> None:
    used = [0]
    probe: MemoryProbe = SimulatedProbe(total_bytes=6000, used=lambda: used[0])

    assert (probe.total_bytes, probe.used_bytes(), probe.name) == (6000, 0, "simulated device")
    used[0] = 250
    assert probe.used_bytes() == 250


def test_a_simulated_device_uses_nothing_unless_told() -> None:
    assert SimulatedProbe(total_bytes=6000).used_bytes() == 0


def test_cards_are_listed_as_cuda_devices_and_the_library_is_closed() -> None:
    nvml = FakeNvml(cards=[("A", 1, 1), ("B", 1, 1)])

    assert list_gpus(nvml) == ("cuda:0", "cuda:1")
    assert nvml.open_count == 0


@pytest.mark.parametrize(
    "error", [pynvml.NVMLError_LibraryNotFound(), pynvml.NVMLError_DriverNotLoaded()], ids=str
)
def test_without_driver_or_library_there_are_no_cards(error: Exception) -> None:
    assert list_gpus(FakeNvml(init_error=error)) == ()


def test_a_driver_that_refuses_to_say_is_an_error() -> None:
    with pytest.raises(ProbeFailed):
        list_gpus(FakeNvml(init_error=pynvml.NVMLError_NoPermission()))

    nvml = FakeNvml(count_error=pynvml.NVMLError_Unknown())
    with pytest.raises(ProbeFailed):
        list_gpus(nvml)
    assert nvml.open_count == 0


def test_listing_with_the_installed_library_never_fails_on_a_machine_without_driver() -> None:
    assert all(name.startswith("cuda:") for name in list_gpus())
