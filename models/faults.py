"""What ONNX Runtime's error texts say about the device: out of memory, broken, or not there.

There is no typed error for either (its maintainers, microsoft/onnxruntime#16307), and the Python
class of one and the same failure has changed between releases (`RuntimeException`, code 6, before;
`Fail`, code 1, now), so only the text is looked at.
"""

import re

from models.errors import DeviceFault, ModelsError, OutOfMemory, ProviderUnavailable

# Numbers are those of CUDA's, cuBLAS's and cuDNN's own headers. ONNX Runtime writes them as
# "<library> failure <number>: <the library's text>"; of cuBLAS the text is a sentence since 1.26.

#: No room for a library's handle. Their first call tells it in other words than later ones do.
NO_HANDLE = (
    r"cublas failure (?:1|3|14)\b.*expr=cublas(?:Lt)?Create",
    r"cudnn failure (?:1001|400[034])\b.*expr=cudnnCreate",
)
#: The process's CUDA context is lost, and with it every session in it: only a new process helps.
#: Of CUDA: 4 driver shutting down, 53 and 719 launch failure, 201 and 709 context gone, 214 ECC,
#: 220 NVLink, 226 hardware, 700 illegal address, 702 time-out, 710 assert, 714-718 broken
#: instruction or address, 901 capture, 999 unknown: what is told after a laptop's sleep. Of cuBLAS
#: and cuDNN: a kernel could not be started, or what it needs could not be copied.
BROKEN = (
    r"cuda (?:failure|error):? (?:4|53|201|214|220|226|700|702|709|710|71[4-9]|901|999)\b",
    r"cublas failure (?:11|13|14)\b",
    r"cublas_status_(?:execution_failed|mapping_error|internal_error)",
    r"cudnn failure (?:4000|500\d)\b",
    r"cudnn_status_execution_failed",
    r"illegal memory access",
    r"unspecified launch failure",
    r"misaligned address",
    r"illegal instruction was encountered",
    r"device-side assert",
    r"uncorrectable (?:ecc|nvlink) error",
    r"context is destroyed",
    r"cudaerror(?:illegaladdress|launchfailure|streamcapture\w*|unknown)",
)
#: No memory for this load or run. The first is an arena's own limit, the second the device's.
EXHAUSTED = (
    r"available memory of \d+ is smaller than requested bytes of \d+",
    r"failed to allocate memory for requested buffer of size",
    r"cuda (?:failure|error):? 2\b",
    r"cudaerrormemoryallocation",
    r"out ?of ?memory",
    r"cublas failure 3\b",
    r"cublas_status_alloc_failed",
    r"cudnn failure 400[34]\b",
    r"cudnn_status_(?:alloc_failed|internal_error_(?:device|host)_allocation_failed)",
    r"bad[ _]alloc",
)
#: The device, its driver or its library is not there for this process: text → what to do about it.
ABSENT = {
    r"cuda (?:failure|error):? (?:34|35)\b|driver version is insufficient": (
        "There is no NVIDIA driver here, or it is older than this build of ONNX Runtime needs: 525"
        " for CUDA 12, 580 for CUDA 13. Check with `nvidia-smi`."
    ),
    r"cuda (?:failure|error):? 100\b|no cuda-capable device": (
        "No card is visible to this process. Check `nvidia-smi`, CUDA_VISIBLE_DEVICES, and"
        " `--gpus all` for a container."
    ),
    r"cuda (?:failure|error):? 101\b|invalid device ordinal": (
        "There is no card of this number. `nvidia-smi -L` lists them; CUDA_VISIBLE_DEVICES hides"
        " cards and counts anew."
    ),
    r"cuda (?:failure|error):? (?:209|222)\b|no kernel image is available|arch_mismatch"
    r"|cublas failure 8\b|cudnn failure 300[5-9]\b": (
        "This build of ONNX Runtime or cuDNN has no code for this card and driver. RUNTIME=gpu has"
        " it for older ones, RUNTIME=gpu-cu13 for drivers from 580 on."
    ),
    r"cuda (?:failure|error):? (?:3|46)\b": (
        "The card does not let this process in: another one has it for itself, or it did not wake"
        " up from sleep. Check with `nvidia-smi`; a restart of the machine helps."
    ),
    r"cuda (?:failure|error):? (?:36|80[2-8])\b": (
        "Driver and CUDA libraries do not fit together, as after an update of the driver. Restart"
        " the machine, and check with `nvidia-smi`."
    ),
    r"cudnn failure (?:1002|1008)\b": (
        "The parts of cuDNN do not fit together. Run `make setup` again, and take other cuDNN"
        " libraries off LD_LIBRARY_PATH."
    ),
}

#: In this order: a broken device also fails to allocate.
_KINDS: tuple[tuple[re.Pattern[str], type[ModelsError]], ...] = tuple(
    (re.compile("|".join(texts), re.IGNORECASE), kind)
    for texts, kind in (
        (NO_HANDLE, OutOfMemory),
        (BROKEN, DeviceFault),
        (tuple(ABSENT), ProviderUnavailable),
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


def remedy_of(error: BaseException | str) -> str:
    """What to do about a device that is not there, a sentence or two; empty: nothing is known."""
    text = str(error)
    for pattern, remedy in ABSENT.items():
        if re.search(pattern, text, re.IGNORECASE):
            return remedy
    return ""
