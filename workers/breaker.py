"""Telling the fleet's circuit breaker how a device serves."""

from collections.abc import Sequence
from typing import Final

import structlog

from models.errors import DeviceFault, OutOfMemory
from vram.errors import LedgerUnavailable
from vram.fleet import Fleet
from workers.answer import AnalysisAnswer
from workers.attempts import Ends
from workers.photo import Order
from workers.runner import Pipeline

#: Reasons of notes that are the device's fault whatever was done about it, and steps of the
#: out-of-memory ladder that mended nothing. A worker whose device a newer one has taken over is
#: none: the breaker is the device's, and the newer one may serve well.
_FAULTS: Final = frozenset({"device_fault"})
_UNMENDED: Final = frozenset({"cpu", "failed"})

_log = structlog.get_logger()


class BreakerPipeline:
    """A pipeline that has the device's faults counted, and nobody else's.

    Args:
        pipeline: What does the work.
        fleet: Where faults are counted.
        device_id: The device's id in the fleet.
    """

    def __init__(self, pipeline: Pipeline, fleet: Fleet, device_id: str) -> None:
        self._pipeline = pipeline
        self._fleet = fleet
        self._device_id = device_id

    def analyze_many(
        self, orders: Sequence[Order], *, ends: Ends = ()
    ) -> list[AnalysisAnswer | Exception | None]:
        """See Pipeline."""
        try:
            outcomes = self._pipeline.analyze_many(orders, ends=ends)
        except DeviceFault:
            self._tell(ok=False)
            raise
        self._tell(ok=not any(map(_is_fault, outcomes)))
        return outcomes

    def _tell(self, *, ok: bool) -> None:
        try:
            state = self._fleet.served(self._device_id, ok=ok)
        except LedgerUnavailable as error:
            _log.warning("breaker.not_told", device=self._device_id, error=str(error))
            return
        if not ok:
            _log.warning("breaker.device_failed", device=self._device_id, breaker=state)


def _is_fault(outcome: AnalysisAnswer | Exception | None) -> bool:
    if isinstance(outcome, AnalysisAnswer):
        return any(
            note.reason in _FAULTS or (note.reason == "out_of_memory" and note.step in _UNMENDED)
            for note in outcome.degraded
        )
    return isinstance(outcome, (DeviceFault, OutOfMemory))
