"""How much memory this process has."""

import ctypes
import gc
from pathlib import Path


def give_back_memory() -> None:
    """What is free in this process goes back to the system, lest it be filled and not counted."""
    gc.collect()
    ctypes.CDLL("libc.so.6").malloc_trim(0)


def own_bytes() -> int:
    """Memory of this process that is no file's.

    Other threads of the process move it by some MiB at any time, so that only differences well
    above that tell something of what was done in between.
    """
    text = Path("/proc/self/smaps_rollup").read_text(encoding="ascii")
    fields = dict(line.split(":", 1) for line in text.splitlines()[1:])
    return int(fields["Anonymous"].split()[0]) * 1024
