"""NVIDIA cards, read through their driver's library NVML (package nvidia-ml-py, module pynvml)."""

import os
import platform
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any, TypeVar

from vram.errors import ProbeFailed
from vram.probe import MIB, Identity, ProbeKind, Reading, reading

T = TypeVar("T")

#: NVML's names of whole cards and of instances of divided ones.
_PREFIXES = ("GPU-", "MIG-")
#: What to do about errors that a person can mend, by the name of NVML's error.
_REMEDIES = {
    "NVMLError_LibraryNotFound": (
        "there is no NVIDIA driver here; start a container with `--gpus all` and the driver"
        " capability `utility`"
    ),
    "NVMLError_DriverNotLoaded": "the driver is installed but not loaded; see `dmesg`",
    "NVMLError_LibRmVersionMismatch": "the driver was replaced while it ran; restart the machine",
    "NVMLError_NoPermission": "this user may not read the card; see who may use /dev/nvidia*",
    "NVMLError_GpuIsLost": "the card has fallen off the bus; restart the machine",
    "NVMLError_NotSupported": "this device shares its memory with the processor and has no own",
}


class NvmlProbe:
    """An NVIDIA card, an instance of a divided one (MIG), or a virtual machine's share (vGPU).

    Used is total minus free: what NVML itself calls used includes the driver's part in its first
    version and not in its second. Of a card that is divided, the memory is its instance's: CUDA
    sees only one instance in a process, the first one unless CUDA_VISIBLE_DEVICES names another.

    With a cap, a larger card is treated as one of that size: its total is the cap, and what was
    taken when the probe was made is left out, apart from the driver's own part. What is taken later
    by anybody counts in full. So make the probe before the process takes any memory.

    NVML counts cards in PCI bus order and ignores CUDA_VISIBLE_DEVICES. Its index is CUDA's when
    CUDA_DEVICE_ORDER=PCI_BUS_ID is set and no card is hidden; see `vram.cuda.card_uuid` otherwise.
    """

    def __init__(
        self,
        index: int = 0,
        nvml: Any = None,  # noqa: ANN401 - pynvml has no types
        *,
        uuid: str | None = None,
        cap_mib: int | None = None,
        system: str = platform.release(),
    ) -> None:
        """Look a card up.

        Args:
            index: Of the card, from 0.
            nvml: The `pynvml` module, or one like it.
            uuid: "GPU-..." or "MIG-...": takes the place of the index. Without the prefix it is
                CUDA's, of a card or an instance.
            cap_mib: Treat a larger card as one of that size.
            system: The kernel's release; WSL 2 says so in it.

        Raises:
            ProbeFailed: there is no such card, no driver or no NVML library.
        """
        self._nvml = nvml or import_nvml()
        try:
            self._nvml.nvmlInit()
            self._card, self._handle = self._find(index, uuid)
            self.name = str(self._nvml.nvmlDeviceGetName(self._handle))
        except self._nvml.NVMLError as error:
            raise failed(error) from error
        real_bytes, free_bytes, reserved = self._totals()
        self.total_bytes = real_bytes
        #: Bytes that are left out of every reading.
        self._left_out_bytes = 0
        notes = self._notes(system)
        if cap_mib is not None and cap_mib * MIB < real_bytes:
            self.total_bytes = cap_mib * MIB
            self._left_out_bytes = max(0, real_bytes - free_bytes - (reserved or 0))
            notes.append(
                f"capped at {cap_mib} of {real_bytes // MIB} MiB;"
                f" {self._left_out_bytes // MIB} MiB taken before are left out"
            )
        self.identity = Identity(
            kind=self._kind(),
            uuid=self._optional(lambda: str(self._nvml.nvmlDeviceGetUUID(self._handle))),
            driver=self._optional(lambda: str(self._nvml.nvmlSystemGetDriverVersion())),
            notes=tuple(notes),
        )

    def used_bytes(self) -> int:
        """See MemoryProbe."""
        total_bytes, free_bytes, _ = self._totals()
        taken = total_bytes - free_bytes
        # What was there before may have gone since: then it is not left out any longer.
        self._left_out_bytes = min(self._left_out_bytes, taken)
        return taken - self._left_out_bytes

    def read(self) -> Reading:
        """See MemoryProbe. A capped card has no more free than the real one has."""
        real_bytes, free_bytes, reserved = self._totals()
        found = reading(self.total_bytes, self.used_bytes())
        return replace(
            found,
            free_mib=min(found.free_mib, free_bytes // MIB, real_bytes // MIB),
            reserved_mib=None if reserved is None else -(-reserved // MIB),
            own_mib=self._optional(self._own_mib),
            utilisation_percent=self._optional(
                lambda: int(self._nvml.nvmlDeviceGetUtilizationRates(self._handle).gpu)
            ),
            temperature_celsius=self._optional(
                lambda: int(
                    self._nvml.nvmlDeviceGetTemperature(self._card, self._nvml.NVML_TEMPERATURE_GPU)
                )
            ),
        )

    def _find(self, index: int, uuid: str | None) -> tuple[Any, Any]:
        """The card, and the device on it that computes: an instance where the card is divided."""
        nvml = self._nvml
        if uuid is None:
            card = nvml.nvmlDeviceGetHandleByIndex(index)
            return card, self._first_instance(card) or card
        if not uuid.startswith(_PREFIXES):
            uuid = self._prefixed(uuid)
        device = self._by_uuid(uuid)
        if uuid.startswith("MIG-"):
            return nvml.nvmlDeviceGetDeviceHandleFromMigDeviceHandle(device), device
        return device, self._first_instance(device) or device

    def _prefixed(self, uuid: str) -> str:
        """CUDA's uuid as NVML has it."""
        for prefix in _PREFIXES:
            with suppress(self._nvml.NVMLError):
                self._by_uuid(prefix + uuid)
                return prefix + uuid
        return _PREFIXES[0] + uuid

    def _by_uuid(self, uuid: str) -> Any:  # noqa: ANN401 - a handle of pynvml
        return self._nvml.nvmlDeviceGetHandleByUUID(uuid)

    def _first_instance(self, card: Any) -> Any:  # noqa: ANN401 - a handle of pynvml
        nvml = self._nvml
        if (
            self._optional(lambda: nvml.nvmlDeviceGetMigMode(card)[0])
            != nvml.NVML_DEVICE_MIG_ENABLE
        ):
            return None
        for number in range(nvml.nvmlDeviceGetMaxMigDeviceCount(card)):
            with suppress(nvml.NVMLError_NotFound):
                return nvml.nvmlDeviceGetMigDeviceHandleByIndex(card, number)
        raise ProbeFailed(
            "The card is divided (MIG) but has no instance that may be seen here. Create one with"
            " `nvidia-smi mig`, or hand one to the container."
        )

    def _kind(self) -> ProbeKind:
        if self._handle is not self._card:
            return "mig"
        mode = self._optional(lambda: self._nvml.nvmlDeviceGetVirtualizationMode(self._card))
        return "vgpu" if mode == self._nvml.NVML_GPU_VIRTUALIZATION_MODE_VGPU else "gpu"

    def _notes(self, system: str) -> list[str]:
        notes = []
        nvml = self._nvml
        model = self._optional(lambda: nvml.nvmlDeviceGetCurrentDriverModel(self._card))
        if "microsoft" in system.lower() or model == nvml.NVML_DRIVER_WDDM:
            notes.append(
                "Windows manages this memory: instead of failing it may spill into the machine's"
                " own, many times slower"
            )
        if self._handle is not self._card:
            notes.append("an instance of a divided card: its utilisation can't be read")
        return notes

    def _own_mib(self) -> int | None:
        """Containers show the host's process numbers or none; Windows shows no sizes."""
        for process in self._nvml.nvmlDeviceGetComputeRunningProcesses(self._handle):
            if process.pid == os.getpid() and process.usedGpuMemory is not None:
                return -(-int(process.usedGpuMemory) // MIB)
        return None

    def _optional(self, read: Callable[[], T]) -> T | None:
        """What is not known on every driver or device."""
        try:
            return read()
        except (self._nvml.NVMLError, self._nvml.NVMLLibraryMismatchError):
            # The latter where a driver is older than the binding's version of the function.
            return None

    def _totals(self) -> tuple[int, int, int | None]:
        """Total, free, and the driver's own part, bytes."""
        try:
            memory = self._memory()
        except self._nvml.NVMLError as error:
            raise failed(error) from error
        reserved = getattr(memory, "reserved", None)
        return int(memory.total), int(memory.free), None if reserved is None else int(reserved)

    def _memory(self) -> Any:  # noqa: ANN401 - a structure of pynvml
        nvml = self._nvml
        try:
            return nvml.nvmlDeviceGetMemoryInfo(self._handle, version=nvml.nvmlMemory_v2)
        except (nvml.NVMLError_FunctionNotFound, nvml.NVMLError_NotSupported):
            # Drivers before 510 know only the first version.
            return nvml.nvmlDeviceGetMemoryInfo(self._handle)


def list_gpus(nvml: Any = None) -> tuple[str, ...]:  # noqa: ANN401 - pynvml has no types
    """Ids of this machine's CUDA devices: "cuda:0", ...; none without a driver or NVML library.

    Raises:
        ProbeFailed: there is a driver, and it refuses to say.
    """
    try:
        nvml = nvml or import_nvml()
    except ProbeFailed:
        return ()
    try:
        nvml.nvmlInit()
    except (nvml.NVMLError_LibraryNotFound, nvml.NVMLError_DriverNotLoaded):
        return ()
    except nvml.NVMLError as error:
        raise failed(error) from error
    try:
        return tuple(f"cuda:{index}" for index in range(nvml.nvmlDeviceGetCount()))
    except nvml.NVMLError as error:
        raise failed(error) from error
    finally:
        nvml.nvmlShutdown()


def import_nvml() -> Any:  # noqa: ANN401 - pynvml has no types
    """The binding.

    Raises:
        ProbeFailed: it is not installed.
    """
    try:
        import pynvml  # noqa: PLC0415 - only workers on a card have it
    except ImportError as error:
        raise ProbeFailed(
            "The NVML binding is not installed. Install the `cpu`, `gpu` or `gpu-cu13` extra."
        ) from error
    return pynvml


def failed(error: Exception) -> ProbeFailed:
    """NVML's error in our words, with what to do about it."""
    remedy = _REMEDIES.get(type(error).__name__, "check the driver with `nvidia-smi`")
    return ProbeFailed(f"NVML says: {error}; {remedy}.")
