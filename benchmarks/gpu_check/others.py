"""Other processes on the same card, killed when they are not needed any more."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.errors import BenchmarkFailed


@contextmanager
def other_process(module: str, *arguments: str) -> Iterator[int]:
    """Run a module of this package that says "holds" once it has what it wants.

    It is killed at the end, as `kill -9` does it. Its process number is what is given.

    Raises:
        BenchmarkFailed: it ended before.
    """
    child = subprocess.Popen(
        [sys.executable, "-m", f"benchmarks.gpu_check.{module}", *arguments],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None  # noqa: S101 - it was asked for
    try:
        if child.stdout.readline().strip() != "holds":
            raise BenchmarkFailed(
                f"A second process could not use the device ({module}); its error is above."
            )
        yield child.pid
    finally:
        child.kill()
        child.wait(timeout=10)
        child.stdout.close()
