"""What a device's memory looks like from outside: NVML for real cards, a fixed card otherwise.

Only device totals are read. What a single process uses can't be read in containers nor on Windows.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from vram.errors import ProbeFailed


class MemoryProbe(Protocol):
    """Reads one device's memory, everybody's use of it included."""

    @property
    def name(self) -> str:
        """What the driver calls the device."""
        ...

    @property
    def total_bytes(self) -> int:
        """All of the device's memory."""
        ...

    def used_bytes(self) -> int:
        """What is taken now, by any process and by the driver.

        Raises:
            ProbeFailed: the device can't be read.
        """
        ...


def _no_bytes() -> int:
    return 0


@dataclass(frozen=True, kw_only=True, slots=True)
class SimulatedProbe:
    """A device that exists only as numbers."""

    total_bytes: int
    name: str = "simulated device"
    #: Tells what is taken now.
    used: Callable[[], int] = _no_bytes

    def used_bytes(self) -> int:
        """See MemoryProbe."""
        return self.used()


class NvmlProbe:
    """An NVIDIA card, through its driver.

    NVML counts cards in PCI bus order and ignores CUDA_VISIBLE_DEVICES. Its index is CUDA's when
    CUDA_DEVICE_ORDER=PCI_BUS_ID is set and no card is hidden.

    Args:
        index: Of the card, from 0.
        nvml: The `pynvml` module, or one like it.

    Raises:
        ProbeFailed: there is no such card, no driver or no NVML library.
    """

    def __init__(self, index: int, nvml: Any = None) -> None:  # noqa: ANN401 - pynvml has no types
        self._nvml = nvml or _import_nvml()
        try:
            self._nvml.nvmlInit()
            self._handle = self._nvml.nvmlDeviceGetHandleByIndex(index)
            self.name = str(self._nvml.nvmlDeviceGetName(self._handle))
        except self._nvml.NVMLError as error:
            raise _failed(error) from error
        self.total_bytes, _ = self._total_and_free_bytes()

    def used_bytes(self) -> int:
        """See MemoryProbe. Total minus free: what `used` includes differs between drivers."""
        total_bytes, free_bytes = self._total_and_free_bytes()
        return total_bytes - free_bytes

    def _total_and_free_bytes(self) -> tuple[int, int]:
        try:
            memory = self._memory()
        except self._nvml.NVMLError as error:
            raise _failed(error) from error
        return int(memory.total), int(memory.free)

    def _memory(self) -> Any:  # noqa: ANN401 - a structure of pynvml
        read = self._nvml.nvmlDeviceGetMemoryInfo
        try:
            return read(self._handle, version=self._nvml.nvmlMemory_v2)
        except (self._nvml.NVMLError_FunctionNotFound, self._nvml.NVMLError_NotSupported):
            # Drivers before 510 know only the first version.
            return read(self._handle)


def list_gpus(nvml: Any = None) -> tuple[str, ...]:  # noqa: ANN401 - pynvml has no types
    """Ids of this machine's CUDA devices: "cuda:0", ...; none without a driver or NVML library.

    Raises:
        ProbeFailed: there is a driver, and it refuses to say.
    """
    try:
        nvml = nvml or _import_nvml()
    except ProbeFailed:
        return ()
    try:
        nvml.nvmlInit()
    except (nvml.NVMLError_LibraryNotFound, nvml.NVMLError_DriverNotLoaded):
        return ()
    except nvml.NVMLError as error:
        raise _failed(error) from error
    try:
        return tuple(f"cuda:{index}" for index in range(nvml.nvmlDeviceGetCount()))
    except nvml.NVMLError as error:
        raise _failed(error) from error
    finally:
        nvml.nvmlShutdown()


def _import_nvml() -> Any:  # noqa: ANN401 - pynvml has no types
    try:
        import pynvml  # noqa: PLC0415 - only workers on a card have it
    except ImportError as error:
        raise ProbeFailed(
            "The NVML binding is not installed. Install the `cpu`, `gpu` or `gpu-cu13` extra."
        ) from error
    return pynvml


def _failed(error: Exception) -> ProbeFailed:
    return ProbeFailed(f"NVML says: {error}. Check the driver with `nvidia-smi`.")
