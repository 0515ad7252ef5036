"""What ONNX Runtime's error texts say about the device: out of memory, broken, or not there.

There is no typed error for either (its maintainers, microsoft/onnxruntime#16307), and the Python
class of one and the same failure has changed between releases (`RuntimeException`, code 6, before;
`Fail`, code 1, now), so only the text is looked at.
"""

import re

from models.errors import DeviceFault, ModelsError, OutOfMemory, ProviderUnavailable

#: The process's CUDA context is lost, and with it every session in it: only a new process helps.
#: Numbers are cudaError_t: 214 ECC, 220 NVLink, 700 illegal address, 702 time-out, 709 context
#: destroyed, 710 assert, 714-718 broken instruction or address, 719 launch failure, 901 capture.
BROKEN = (
    r"cuda (?:failure|error):? (?:214|220|700|702|709|710|71[4-9]|901)\b",
    r"illegal memory access",
    r"unspecified launch failure",
    r"misaligned address",
    r"illegal instruction was encountered",
    r"device-side assert",
    r"uncorrectable (?:ecc|nvlink) error",
    r"context is destroyed",
    r"cudaerror(?:illegaladdress|launchfailure|streamcapture\w*)",
)
#: The device, its driver or its library is not there for this process. 35 driver too old, 36 and
#: 803 driver and library do not match, 46 in use by others, 100 no device, 101 no such device,
#: 209 the installed build has no code for this card.
ABSENT = (
    r"cuda (?:failure|error):? (?:35|36|46|100|101|209|803)\b",
    r"driver version is insufficient",
    r"no cuda-capable device",
    r"invalid device ordinal",
    r"no kernel image is available",
    r"cudnn_status_arch_mismatch",
)
#: No memory for this load or run. The first is an arena's own limit, the second the device's.
EXHAUSTED = (
    r"available memory of \d+ is smaller than requested bytes of \d+",
    r"failed to allocate memory for requested buffer of size",
    r"cuda (?:failure|error):? 2\b",
    r"cudaerrormemoryallocation",
    r"out ?of ?memory",
    r"cublas_status_alloc_failed",
    r"cudnn_status_(?:alloc_failed|internal_error_(?:device|host)_allocation_failed)",
    r"bad[ _]alloc",
)

#: In this order: a broken device also fails to allocate.
_KINDS: tuple[tuple[re.Pattern[str], type[ModelsError]], ...] = tuple(
    (re.compile("|".join(texts), re.IGNORECASE), kind)
    for texts, kind in (
        (BROKEN, DeviceFault),
        (ABSENT, ProviderUnavailable),
        (EXHAUSTED, OutOfMemory),
    )
)


def fault_of(error: BaseException | str) -> type[ModelsError] | None:
    """The class of error a text of the runtime stands for; None: the device is not the matter."""
    if isinstance(error, MemoryError):
        # The Python binding turns C++'s `std::bad_alloc` into it.
        return OutOfMemory
    text = str(error)
    for pattern, kind in _KINDS:
        if pattern.search(text):
            return kind
    return None
