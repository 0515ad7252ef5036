"""Several things at a time, told in the order they were given."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic, TypeVar

R = TypeVar("R")


@dataclass(frozen=True, kw_only=True, slots=True)
class Step(Generic[R]):
    """Something that is to be done beside others."""

    call: Callable[[], R]
    #: What it holds in memory until it is done.
    held_bytes: int


def in_window(steps: Iterable[Step[R]], *, width: int, most_bytes: int) -> Iterator[R]:
    """Do steps beside each other; what they return, in their order.

    The next step is asked for only when there is room for it. If asking or doing fails, what was
    begun before is still told first.

    Args:
        steps: What to do.
        width: Most at a time.
        most_bytes: What they may hold together; one alone may hold more.
    """
    held_bytes = 0
    begun: deque[tuple[int, Future[R]]] = deque()
    with ThreadPoolExecutor(width, thread_name_prefix="window") as pool:
        asked = _until_error(steps)
        for step in asked.steps:
            while begun and (len(begun) >= width or held_bytes + step.held_bytes > most_bytes):
                freed_bytes, future = begun.popleft()
                held_bytes -= freed_bytes
                yield future.result()
            begun.append((step.held_bytes, pool.submit(step.call)))
            held_bytes += step.held_bytes
            # Not kept here: the step holds what it works on.
            del step
        while begun:
            yield begun.popleft()[1].result()
    if asked.error is not None:
        raise asked.error


@dataclass(slots=True)
class _Asked(Generic[R]):
    """Steps, and the error with which they ended."""

    steps: Iterable[Step[R]]
    error: Exception | None = None


def _until_error(steps: Iterable[Step[R]]) -> _Asked[R]:
    def ask() -> Iterator[Step[R]]:
        try:
            yield from steps
        except Exception as error:  # noqa: BLE001 - raised again when what was begun has been told
            asked.error = error

    asked: _Asked[R] = _Asked(())
    asked.steps = ask()
    return asked
