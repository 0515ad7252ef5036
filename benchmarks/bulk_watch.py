"""Watching a fleet from outside: how much memory its gateway takes, and killing its processes."""

import threading
import time
from contextlib import suppress
from types import TracebackType
from typing import Self

import psutil

from benchmarks.errors import BenchmarkFailed
from benchmarks.stack import Stack

_MIB = 2**20
#: The gateway's memory is read so often, seconds.
LOOK_SECONDS = 0.1
#: What may be killed, and which of the fleet's processes that is.
KILLED = {"gateway": "gateway", "worker": "worker", "store": "store"}


class MemoryWatch:
    """The largest resident size of the gateway's processes together, while it runs."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._before_mib = _gateway_mib(stack)
        self._peak_mib = self._before_mib

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ending.set()
        self._thread.join()

    @property
    def before_mib(self) -> float:
        """When the watch was made."""
        return self._before_mib

    @property
    def peak_mib(self) -> float:
        """The largest since."""
        return self._peak_mib

    def _look(self) -> None:
        while not self._ending.wait(LOOK_SECONDS):
            self._peak_mib = max(self._peak_mib, _gateway_mib(self._stack))


def kill(stack: Stack, name: str) -> None:
    """End a process of the fleet without a word, as a machine that runs out of memory does.

    Args:
        stack: Whose.
        name: One of KILLED. Of the gateway, the process that serves requests; of the worker, all
            that analyse photos.

    Raises:
        BenchmarkFailed: there is no such process.
    """
    group = stack.groups().get(KILLED[name], [])
    # The gateway's first process only starts the others, which hold the requests.
    victims = group[1:] if name == "gateway" and len(group) > 1 else group
    if not victims:
        raise BenchmarkFailed(f"The fleet has no process '{name}'.")
    for process in victims:
        with suppress(psutil.NoSuchProcess):
            process.kill()


def _gateway_mib(stack: Stack) -> float:
    total = 0
    for process in stack.groups().get("gateway", []):
        with suppress(psutil.NoSuchProcess):
            total += process.memory_info().rss
    return total / _MIB


def seconds_since(begun: float) -> float:
    """Rounded for a report."""
    return round(time.monotonic() - begun, 2)
