"""`python -m benchmarks.gpu_check.filler INDEX`: takes all memory of a card until it is killed.

A process of its own: ONNX Runtime keeps what was once taken in this way until the process ends.
"""

import sys
import time

import numpy as np

# Before the runtime: it is told there not to collect anything.
from models.session import open_session  # isort: skip
import onnxruntime as ort

from models.testing import tiny_onnx
from vram.probe import MIB

#: Sizes in which a card is filled, MiB: ever smaller, until not even the smallest fits.
CHUNKS_MIB = (1024, 256, 64, 16, 4, 1)


def take_everything(index: int) -> list["ort.OrtValue"]:
    """Fill a card."""
    taken = []
    for chunk_mib in CHUNKS_MIB:
        while True:
            try:
                piece = ort.OrtValue.ortvalue_from_shape_and_type(
                    [chunk_mib * MIB], np.uint8, "cuda", index
                )
            except Exception:  # noqa: BLE001 - the library's classes differ; full is what is wanted
                break
            taken.append(piece)
    return taken


if __name__ == "__main__":
    device = int(sys.argv[1])
    open_session(tiny_onnx(), device=f"cuda:{device}")
    kept = take_everything(device)
    print("holds", flush=True)
    while kept:
        time.sleep(60)
