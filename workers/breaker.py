"""Telling the fleet's circuit breaker how a device serves."""

from collections.abc import Callable, Sequence
from typing import Final, Protocol

import structlog
from pydantic import BaseModel

from models.errors import DeviceFault, OutOfMemory
from vram.errors import LedgerUnavailable
from vram.fleet import Fleet
from workers.answers.analysis import AnalysisAnswer
from workers.answers.work import WorkAnswer
from workers.jobs.store import Claim
from workers.photos.attempts import Ends
from workers.photos.photo import Order, Photo, PhotoPipeline
from workers.runner import Pipeline
from workers.work import Work

#: Reasons of notes that are the device's fault whatever was done about it, and steps of the
#: out-of-memory ladder that mended nothing. A worker whose device a newer one has taken over is
#: none: the breaker is the device's, and the newer one may serve well.
_FAULTS: Final = frozenset({"device_fault"})
_UNMENDED: Final = frozenset({"cpu", "failed"})

_log = structlog.get_logger()


class FaultCounter:
    """Tells the fleet how a device serves.

    Args:
        fleet: Where faults are counted.
        device_id: The device's id in the fleet.
    """

    def __init__(self, fleet: Fleet, device_id: str) -> None:
        self._fleet = fleet
        self._device_id = device_id

    def tell(self, *, ok: bool) -> None:
        """Tell how the device has served."""
        try:
            state = self._fleet.served(self._device_id, ok=ok)
        except LedgerUnavailable as error:
            _log.warning("breaker.not_told", device=self._device_id, error=str(error))
            return
        if not ok:
            _log.warning("breaker.device_failed", device=self._device_id, breaker=state)


class BothPipeline(Pipeline, PhotoPipeline, Protocol):
    """Answers photos, and leads them through the stages for others to answer."""


class BreakerPipeline:
    """A pipeline whose device's faults are counted."""

    def __init__(self, pipeline: BothPipeline, faults: FaultCounter) -> None:
        self._pipeline = pipeline
        self._faults = faults

    def analyze_many(
        self, orders: Sequence[Order], *, ends: Ends = ()
    ) -> list[AnalysisAnswer | Exception | None]:
        """See Pipeline."""
        try:
            outcomes = self._pipeline.analyze_many(orders, ends=ends)
        except DeviceFault:
            self._faults.tell(ok=False)
            raise
        self._faults.tell(ok=not any(map(_is_fault, outcomes)))
        return outcomes

    def look_many(self, orders: Sequence[Order], *, ends: Ends = ()) -> list[Photo]:
        """See BothPipeline."""
        try:
            photos = self._pipeline.look_many(orders, ends=ends)
        except DeviceFault:
            self._faults.tell(ok=False)
            raise
        self._faults.tell(ok=not any(_is_fault(photo.failure) for photo in photos))
        return photos


class BreakerWork:
    """A work whose device's faults are counted."""

    def __init__(self, work: Work, faults: FaultCounter) -> None:
        self._work = work
        self._faults = faults

    def run(self, claim: Claim, *, is_wanted: Callable[[], bool]) -> BaseModel | None:
        """See Work."""
        try:
            answer = self._work.run(claim, is_wanted=is_wanted)
        except Exception as error:
            self._faults.tell(ok=not _is_fault(error))
            raise
        self._faults.tell(ok=not _is_fault(answer))
        return answer


def _is_fault(outcome: object) -> bool:
    if isinstance(outcome, (AnalysisAnswer, WorkAnswer)):
        return any(
            note.reason in _FAULTS or (note.reason == "out_of_memory" and note.step in _UNMENDED)
            for note in outcome.degraded
        )
    return isinstance(outcome, (DeviceFault, OutOfMemory))
