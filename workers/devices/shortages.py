"""What a worker does about a device that runs out of memory, and when it has to start afresh."""

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

import structlog

from vram.answers import Victim
from vram.errors import VramError
from workers.devices.account import DeviceAccount
from workers.devices.ladder import Step, Trouble
from workers.notes import Note, Notes

#: So many times out of memory in so many seconds: the process starts afresh.
RECYCLE_AFTER, RECYCLE_SECONDS = 3, 300.0
#: A model that ran out of memory is remembered as so much larger.
GROWTH = 1.1
#: But as no more than so many times as large: it would never get room again.
MOST_GROWTH = 2.0

_STEPS: dict[Step, str] = {
    "arena_shrunk": "unused memory of the model was given back",
    "smaller_batch": "the batch was run in smaller ones",
    "others_evicted": "idle models had to leave",
    "session_renewed": "the model was opened anew",
    "cpu": "the CPU ran it",
    "failed": "the CPU may not run it, so it was not run",
}
_TROUBLES: dict[Trouble, str] = {
    "out_of_memory": "The device ran out of memory",
    "device_fault": "The device broke and needs a new process",
    "session_lost": "The device has lost the model, which is loaded anew",
}

_log = structlog.get_logger()


class Unloads(Protocol):
    """Carries out what the ledger decides about others."""

    def __call__(self, victims: Sequence[Victim]) -> int:
        """Unload those that nobody uses; how many that were."""
        ...


class Shortages:
    """Counts what went wrong on this process's device.

    Args:
        account: The device's account.
        notes: Where steps are told, for the answers.
        clock: Seconds, monotonic.
    """

    def __init__(
        self,
        account: DeviceAccount,
        notes: Notes,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._account = account
        self._notes = notes
        self._clock = clock
        self._lock = threading.Lock()
        self._times: deque[float] = deque(maxlen=RECYCLE_AFTER)
        self._factors: dict[str, float] = {}
        self._recycle: str | None = None

    @property
    def recycle_wanted(self) -> str | None:
        """Why this process should end once its work is done; None: it need not."""
        return self._recycle

    def want_recycle(self, why: str) -> None:
        """Ask for an end of this process once its work is done; the first reason stays."""
        if self._recycle is None:
            self._recycle = why
            _log.warning("device.recycle_wanted", device=self._account.device.id, reason=why)

    def grown(self, model: str, vram_mib: int) -> int:
        """A model's size with what its shortages have taught, MiB."""
        return math.ceil(vram_mib * self._factors.get(model, 1.0))

    def ran_out(self, model: str) -> None:
        """Remember a shortage, at a load or in a run."""
        with self._lock:
            grown = self._factors.get(model, 1.0) * GROWTH
            self._factors[model] = min(grown, MOST_GROWTH)
            self._times.append(self._clock())
            several = len(self._times) == RECYCLE_AFTER
            if several and self._times[-1] - self._times[0] <= RECYCLE_SECONDS:
                self.want_recycle("out_of_memory")

    def broke(self, model: str, error: str) -> None:
        """The device needs a new process: nothing is admitted in this one any more."""
        _log.error("device.broken", device=self._account.device.id, model=model, error=error)
        self._account.close("device_fault")
        self.want_recycle("device_fault")

    def tell(self, model: str, step: Step, error: str, trouble: Trouble) -> None:
        """Tell of a step, in the log and in the answer."""
        _log.warning(
            "device.ladder_step",
            device=self._account.device.id,
            model=model,
            step=step,
            trouble=trouble,
            error=error,
        )
        message = f"{_TROUBLES[trouble]}; {_STEPS[step]}."
        self._notes.add(Note(model=model, step=step, reason=trouble, message=message))

    def count(self, gen: int, step: str) -> None:
        """Have the ledger count a step."""
        try:
            self._account.out_of_memory(gen, step=step)
        except VramError as error:
            _log.warning("device.shortage_not_told", step=step, error=str(error))

    def drain(self, gen: int) -> None:
        """Have a model leave whose session is lost."""
        try:
            self._account.drain(gen, why="session_lost")
        except VramError as error:
            _log.warning("device.shortage_not_told", step="drain", error=str(error))

    def victims(self, gen: int, needed_mib: int) -> Sequence[Victim]:
        """Idle models that leave so that one can run; nobody where the ledger can't be asked.

        The book may say that there is room: the device has just said otherwise. So as much again
        has to become free.
        """
        try:
            needed_mib += self._account.state().free_mib
            return self._account.relieve(needed_mib=needed_mib, asker_gen=gen).victims
        except VramError as error:
            _log.warning("device.not_relieved", error=str(error))
            return ()


class ModelShortages:
    """The surroundings of one loaded model, for its ladder; see workers.devices.ladder.

    Args:
        shortages: Of the device.
        model: Its id.
        gen: Its entry.
        vram_mib: Its size: as much again should do.
        may_use_cpu: Whether a run may be done on the CPU.
        unload: Carries out unloads.
    """

    def __init__(
        self,
        shortages: Shortages,
        *,
        model: str,
        gen: int,
        vram_mib: int,
        may_use_cpu: bool,
        unload: Unloads,
    ) -> None:
        self._shortages = shortages
        self._model = model
        self._gen = gen
        self._vram_mib = vram_mib
        self._unload = unload
        self.may_use_cpu = may_use_cpu

    def ran_out(self, error: str) -> None:
        """See Surroundings."""
        del error
        self._shortages.ran_out(self._model)

    def stepped(self, step: Step, error: str, trouble: Trouble) -> None:
        """See Surroundings."""
        self._shortages.tell(self._model, step, error, trouble)
        if trouble == "out_of_memory":
            self._shortages.count(self._gen, step)

    def relieve(self) -> bool:
        """See Surroundings."""
        victims = self._shortages.victims(self._gen, self._vram_mib)
        return bool(victims) and self._unload(victims) > 0

    def lost(self) -> None:
        """See Surroundings."""
        self._shortages.drain(self._gen)

    def broke(self, error: str) -> None:
        """See Surroundings."""
        self._shortages.broke(self._model, error)
