"""What happens when a device runs out of memory in the middle of a run: a ladder, climbed once.

It is a session around the session, so that the networks above know nothing of it. Each try begins
after the handler of the one before was left: a traceback holds on to the tensors of its frames.
"""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from models.contract import InferenceSession, Opener, ShrinkableSession, TensorInfo, Tensors, close
from models.errors import DeviceFault, InferenceFailed, OutOfMemory, ProviderUnavailable
from workers.devices.timings import Ran

#: A model that ran out of memory takes no larger batches than what then ran, for this long.
CEILING_SECONDS = 600.0

#: What was done, in this order. "failed": nothing helped.
Step = Literal[
    "arena_shrunk", "smaller_batch", "others_evicted", "session_renewed", "cpu", "failed"
]
#: Why it was done.
Trouble = Literal["out_of_memory", "device_fault", "session_lost"]
Answers = dict[str, NDArray[Any]]


class Surroundings(Protocol):
    """What the ladder needs of the place a model is loaded in; see workers.devices.shortages."""

    @property
    def may_use_cpu(self) -> bool:
        """Whether a run may be done on the CPU."""
        ...

    def ran_out(self, error: str) -> None:
        """Take note that the device ran out of memory: once for each climb."""
        ...

    def stepped(self, step: Step, error: str, trouble: Trouble) -> None:
        """Take note of a step that is being taken."""
        ...

    def relieve(self) -> bool:
        """Have other models leave; whether any did."""
        ...

    def lost(self) -> None:
        """Take note that there is no session any more: the model has to be loaded anew."""
        ...

    def broke(self, error: str) -> None:
        """Take note that the device is in a state only a new process gets out of."""
        ...


@runtime_checkable
class WarmedSession(Protocol):
    """A session that wants to know when its warm-up is over, as a simulated device's does."""

    def warmed(self) -> None:
        """From now on runs are jobs' runs."""
        ...


class LadderSession:
    """A device's session that gets along with too little memory.

    It alone holds the device's session, so `close` gives the memory back, whoever holds this one.

    Args:
        opener: Opens the graph on a device, or on "cpu".
        device: Where it belongs.
        surroundings: Where it is loaded.
        ran: Told how many rows ran on the device in how many ms.
        clock: Seconds, monotonic.
    """

    def __init__(
        self,
        opener: Opener,
        *,
        device: str,
        surroundings: Surroundings,
        ran: Ran,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._opener = opener
        self._device = device
        self._surroundings = surroundings
        self._ran = ran
        self._clock = clock
        # One run at a time: a second one beside it would need an arena of its own.
        self._lock = threading.RLock()
        self._session: InferenceSession | None = opener(device)
        self._on_cpu: InferenceSession | None = None
        self._closed = self._sealed = False
        #: Shapes that the arena has room for.
        self._usual: set[tuple[tuple[int, ...], ...]] = set()
        self._ceiling, self._ceiling_until = 0, 0.0
        self.inputs: tuple[TensorInfo, ...] = self._session.inputs
        self.outputs: tuple[TensorInfo, ...] = self._session.outputs
        self.provider = self._session.provider

    def run(self, feeds: Tensors) -> Answers:
        """See InferenceSession.run."""
        with self._lock:
            if self._closed:
                raise InferenceFailed("The session is closed: its model was unloaded.")
            if not self._sealed:
                # Being loaded: whoever loads it deals with what goes wrong.
                self._usual.add(_shapes(feeds))
                return self._on_device().run(feeds)
            return self._run(feeds)

    def seal(self) -> None:
        """End the warm-up: shapes that were run until now are the usual ones."""
        self._sealed = True
        session = self._session
        if session is not None and isinstance(session, WarmedSession):
            session.warmed()

    def close(self) -> None:
        """See ClosableSession.close. Waits for the run under way."""
        with self._lock:
            self._closed = True
            self._drop()
            self._on_cpu = None

    @property
    def largest_batch(self) -> int | None:
        """What a batch may have at most for now; None: no limit."""
        return self._ceiling if self._clock() < self._ceiling_until else None

    def _run(self, feeds: Tensors) -> Answers:
        if self._session is None:
            # Told again each time: it may not have been heard.
            self._surroundings.lost()
            return self._run_elsewhere(feeds, "It waits to be loaded anew.", "session_lost")
        started = self._clock()
        answers, error, is_fault = _tried(lambda: self._within_ceiling(feeds))
        if answers is not None:
            self._ran(_rows(feeds), (self._clock() - started) * 1000)
            return answers
        return self._break(feeds, error) if is_fault else self._climb(feeds, error)

    def _climb(self, feeds: Tensors, error: str) -> Answers:
        self._surroundings.ran_out(error)
        for step, retry in self._rungs(feeds):
            self._surroundings.stepped(step, error, "out_of_memory")
            answers, now, is_fault = _tried(retry, after_shortage=True)
            if answers is not None:
                return answers
            if is_fault:
                return self._break(feeds, now)
            error = now
        if self._session is None:
            self._surroundings.lost()
        return self._run_elsewhere(feeds, error)

    def _break(self, feeds: Tensors, error: str) -> Answers:
        self._drop()
        self._surroundings.broke(error)
        return self._run_elsewhere(feeds, error, "device_fault")

    def _rungs(self, feeds: Tensors) -> Iterator[tuple[Step, Callable[[], Answers]]]:
        rows, session = _rows(feeds), self._session
        if session is not None and isinstance(session, ShrinkableSession):
            yield "arena_shrunk", lambda: self._shrunk(feeds)
        size = rows // 2 if self._can_split(feeds) else 0
        while size >= 1:
            self._ceiling, self._ceiling_until = size, self._clock() + CEILING_SECONDS
            yield "smaller_batch", lambda: self._within_ceiling(feeds)
            size //= 2
        if self._surroundings.relieve():
            yield "others_evicted", lambda: self._within_ceiling(feeds)
        yield "session_renewed", lambda: self._renewed(feeds)

    def _run_elsewhere(
        self, feeds: Tensors, error: str, trouble: Trouble = "out_of_memory"
    ) -> Answers:
        if not self._surroundings.may_use_cpu:
            self._surroundings.stepped("failed", error, trouble)
            kind = DeviceFault if trouble == "device_fault" else OutOfMemory
            raise kind(f"The device could not run this, and the CPU may not. {error}")
        self._surroundings.stepped("cpu", error, trouble)
        if self._on_cpu is None:
            self._on_cpu = self._opener("cpu")
        return self._on_cpu.run(feeds)

    def _on_device(self) -> InferenceSession:
        if self._session is None:
            raise InferenceFailed("The session could not be opened again.")
        return self._session

    def _device_run(self, feeds: Tensors) -> Answers:
        session = self._on_device()
        # A shape the arena was not made for would make it grow for good.
        if _shapes(feeds) not in self._usual and isinstance(session, ShrinkableSession):
            return session.run_and_shrink(feeds)
        return session.run(feeds)

    def _within_ceiling(self, feeds: Tensors) -> Answers:
        largest, rows = self.largest_batch, _rows(feeds)
        if largest is None or rows <= largest or not self._can_split(feeds):
            return self._device_run(feeds)
        parts = [
            self._device_run({name: value[at : at + largest] for name, value in feeds.items()})
            for at in range(0, rows, largest)
        ]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def _shrunk(self, feeds: Tensors) -> Answers:
        session = self._on_device()
        assert isinstance(session, ShrinkableSession)  # noqa: S101 - the rung is taken only then
        if self._can_split(feeds):
            # An arena shrinks at the end of a run that works: a small one before the large.
            session.run_and_shrink({name: value[:1] for name, value in feeds.items()})
        return session.run_and_shrink(feeds)

    def _renewed(self, feeds: Tensors) -> Answers:
        self._drop()
        self._session = self._opener(self._device)
        self.seal()
        return self._within_ceiling(feeds)

    def _drop(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            close(session)

    def _can_split(self, feeds: Tensors) -> bool:
        """Whether inputs and outputs have one row for each member of a batch of several."""
        infos = (*self.inputs, *self.outputs)
        free = all(info.dims and not isinstance(info.dims[0], int) for info in infos)
        return free and len({len(value) for value in feeds.values()}) == 1 and _rows(feeds) > 1


def _tried(
    run: Callable[[], Answers], *, after_shortage: bool = False
) -> tuple[Answers | None, str, bool]:
    """Answers, or what went wrong and whether the device is broken; no traceback is left.

    Args:
        run: What is tried.
        after_shortage: Any failure counts as one more: after a shortage sessions may be in a
            state in which they fail in other ways (microsoft/onnxruntime#10343).
    """
    try:
        return run(), "", False
    except (DeviceFault, ProviderUnavailable) as error:
        # A device that has run this session before and is not there any more is broken as well.
        return None, str(error), True
    except OutOfMemory as error:
        return None, str(error), False
    except InferenceFailed as error:
        if not after_shortage:
            raise
        return None, str(error), False


def _rows(feeds: Tensors) -> int:
    return max((len(value) for value in feeds.values() if np.ndim(value)), default=1)


def _shapes(feeds: Tensors) -> tuple[tuple[int, ...], ...]:
    return tuple(np.shape(feeds[name]) for name in sorted(feeds))
