"""Which card CUDA means by a number: asked of its driver library, which takes no memory for that.

NVML counts cards by bus and knows nothing of CUDA_VISIBLE_DEVICES and CUDA_DEVICE_ORDER, by which
CUDA counts; on a divided card (MIG) CUDA's first device may be any instance. The uuid is common.
"""

import ctypes
import uuid
from typing import Any

#: The driver's library as Linux and WSL 2 name it.
LIBRARY = "libcuda.so.1"
_UUID_BYTES = 16


def card_uuid(index: int, library: Any = None) -> str | None:  # noqa: ANN401 - a foreign library
    """The uuid of CUDA's device of that number, without NVML's prefix; None: CUDA does not say.

    Args:
        index: From 0, as this process's environment counts.
        library: The driver's; the machine's when not given.
    """
    try:
        cuda = library or ctypes.CDLL(LIBRARY)
        # Since CUDA 11.4: of a divided card it gives the instance's, the first version the card's.
        ask = cuda.cuDeviceGetUuid_v2
    except (OSError, AttributeError):
        return None
    device, found = ctypes.c_int(), (ctypes.c_ubyte * _UUID_BYTES)()
    # Each answers 0 where it worked.
    if cuda.cuInit(0) or cuda.cuDeviceGet(ctypes.byref(device), index):
        return None
    if ask(ctypes.byref(found), device):
        return None
    return str(uuid.UUID(bytes=bytes(found)))
