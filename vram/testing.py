"""A fake that ships: as much of NVML's Python binding as the probe uses.

For this project's tests, and for anyone who wants to see what a machine with other cards would do.
"""
# ruff: noqa: N802, N815 - the names are the library's.

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pynvml


@dataclass(kw_only=True)
class FakeCard:
    """A card; sizes in bytes."""

    name: str = "Fake"
    total: int = 6 * 2**30
    free: int = 6 * 2**30
    #: The driver's own part, which is not free either.
    reserved: int = 0
    uuid: str = "GPU-0"
    #: Process number → bytes, None where the driver does not tell; None: it is too old to be asked.
    processes: Mapping[int, int | None] | None = field(default_factory=dict)
    #: Where it is divided: its instances; None in a place that is empty.
    instances: Sequence["FakeCard | None"] | None = None
    virtualisation: int = pynvml.NVML_GPU_VIRTUALIZATION_MODE_NONE
    #: A constant NVML_DRIVER_...; None: not Windows.
    driver_model: int | None = None
    utilisation_percent: int | None = 40
    temperature_celsius: int | None = 55


@dataclass(kw_only=True)
class FakeNvml:
    """The module `pynvml` on a machine with certain cards."""

    cards: list[FakeCard] = field(default_factory=list)
    #: Drivers before 510 don't.
    knows_v2: bool = True
    init_error: Exception | None = None
    count_error: Exception | None = None
    #: What every reading of memory fails with.
    read_error: Exception | None = None
    open_count: int = 0

    nvmlMemory_v2: int = pynvml.nvmlMemory_v2
    NVML_TEMPERATURE_GPU: int = pynvml.NVML_TEMPERATURE_GPU
    NVML_DEVICE_MIG_ENABLE: int = pynvml.NVML_DEVICE_MIG_ENABLE
    NVML_DRIVER_WDDM: int = pynvml.NVML_DRIVER_WDDM
    NVML_GPU_VIRTUALIZATION_MODE_VGPU: int = pynvml.NVML_GPU_VIRTUALIZATION_MODE_VGPU

    NVMLError = pynvml.NVMLError
    NVMLLibraryMismatchError = pynvml.NVMLLibraryMismatchError
    NVMLError_LibraryNotFound = pynvml.NVMLError_LibraryNotFound
    NVMLError_DriverNotLoaded = pynvml.NVMLError_DriverNotLoaded
    NVMLError_FunctionNotFound = pynvml.NVMLError_FunctionNotFound
    NVMLError_NotSupported = pynvml.NVMLError_NotSupported
    NVMLError_NotFound = pynvml.NVMLError_NotFound

    def nvmlInit(self) -> None:
        """See NVML."""
        if self.init_error:
            raise self.init_error
        self.open_count += 1

    def nvmlShutdown(self) -> None:
        """See NVML."""
        self.open_count -= 1

    def nvmlSystemGetDriverVersion(self) -> str:
        """See NVML."""
        return "580.1"

    def nvmlDeviceGetCount(self) -> int:
        """See NVML."""
        if self.count_error:
            raise self.count_error
        return len(self.cards)

    def nvmlDeviceGetHandleByIndex(self, index: int) -> FakeCard:
        """See NVML."""
        if index >= len(self.cards):
            raise pynvml.NVMLError_InvalidArgument
        return self.cards[index]

    def nvmlDeviceGetHandleByUUID(self, uuid: str) -> FakeCard:
        """See NVML: of cards and of their instances."""
        for card in self.cards:
            for device in (card, *(card.instances or ())):
                if device is not None and device.uuid == uuid:
                    return device
        raise pynvml.NVMLError_NotFound

    def nvmlDeviceGetDeviceHandleFromMigDeviceHandle(self, device: FakeCard) -> FakeCard:
        """See NVML."""
        return next(card for card in self.cards if device in (card.instances or ()))

    def nvmlDeviceGetName(self, device: FakeCard) -> str:
        """See NVML."""
        return device.name

    def nvmlDeviceGetUUID(self, device: FakeCard) -> str:
        """See NVML."""
        return device.uuid

    def nvmlDeviceGetMemoryInfo(self, device: FakeCard, version: int | None = None) -> Any:  # noqa: ANN401 - a structure
        """See NVML: the versions differ in what they call used."""
        if self.read_error:
            raise self.read_error
        taken = device.total - device.free
        if version is None:
            return SimpleNamespace(total=device.total, free=device.free, used=taken)
        if not self.knows_v2:
            raise pynvml.NVMLError_FunctionNotFound
        return SimpleNamespace(
            total=device.total,
            free=device.free,
            used=taken - device.reserved,
            reserved=device.reserved,
        )

    def nvmlDeviceGetMigMode(self, device: FakeCard) -> list[int]:
        """See NVML: most cards can't be divided."""
        if device.instances is None:
            raise pynvml.NVMLError_NotSupported
        return [pynvml.NVML_DEVICE_MIG_ENABLE, pynvml.NVML_DEVICE_MIG_ENABLE]

    def nvmlDeviceGetMaxMigDeviceCount(self, device: FakeCard) -> int:
        """See NVML."""
        return len(device.instances or ())

    def nvmlDeviceGetMigDeviceHandleByIndex(self, device: FakeCard, index: int) -> FakeCard:
        """See NVML."""
        instance = (device.instances or ())[index]
        if instance is None:
            raise pynvml.NVMLError_NotFound
        return instance

    def nvmlDeviceGetVirtualizationMode(self, device: FakeCard) -> int:
        """See NVML."""
        return device.virtualisation

    def nvmlDeviceGetCurrentDriverModel(self, device: FakeCard) -> int:
        """See NVML: on Windows only."""
        return _known(device.driver_model)

    def nvmlDeviceGetUtilizationRates(self, device: FakeCard) -> Any:  # noqa: ANN401 - a structure
        """See NVML: not of instances."""
        return SimpleNamespace(gpu=_known(device.utilisation_percent))

    def nvmlDeviceGetTemperature(self, device: FakeCard, sensor: int) -> int:
        """See NVML."""
        assert sensor == pynvml.NVML_TEMPERATURE_GPU  # noqa: S101 - the only one that is asked
        return _known(device.temperature_celsius)

    def nvmlDeviceGetComputeRunningProcesses(self, device: FakeCard) -> list[Any]:
        """See NVML."""
        if device.processes is None:
            raise pynvml.NVMLLibraryMismatchError
        return [
            SimpleNamespace(pid=pid, usedGpuMemory=taken) for pid, taken in device.processes.items()
        ]


def _known(value: int | None) -> int:
    if value is None:
        raise pynvml.NVMLError_NotSupported
    return value
