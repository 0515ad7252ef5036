"""Which ends of a batch count against its device."""

from collections.abc import Sequence
from typing import Any

import pytest

from models.errors import DeviceFault, InferenceFailed, OutOfMemory
from vram.errors import LedgerUnavailable
from vram.fleet import Breaker
from workers.answers.analysis import AnalysisAnswer, DegradedAnswer
from workers.answers.work import WorkAnswer
from workers.breaker import BreakerPipeline, BreakerWork, FaultCounter
from workers.errors import ImageRejected
from workers.jobs.store import Claim
from workers.photos.photo import Order, Photo


class Fleet:
    """Writes down what it is told of devices."""

    def __init__(self) -> None:
        self.told: list[tuple[str, bool]] = []
        self.is_away = False

    def served(self, device_id: str, *, ok: bool) -> Breaker:
        if self.is_away:
            raise LedgerUnavailable
        self.told.append((device_id, ok))
        return "closed"


class Pipeline:
    """Ends every batch in the same way."""

    def __init__(self, end: AnalysisAnswer | Exception | None, *, raises: bool = False) -> None:
        self.end, self.raises = end, raises

    def analyze_many(
        self, orders: Sequence[Order], *, ends: Sequence[type[Exception]] = ()
    ) -> list[AnalysisAnswer | Exception | None]:
        assert ends == (TimeoutError,)
        if self.raises and isinstance(self.end, Exception):
            raise self.end
        return [self.end for _ in orders]

    def look_many(
        self, orders: Sequence[Order], *, ends: Sequence[type[Exception]] = ()
    ) -> list[Photo]:
        assert ends == (TimeoutError,)
        if self.raises and isinstance(self.end, Exception):
            raise self.end
        failure = self.end if isinstance(self.end, Exception) else None
        return [Photo(order=order, failure=failure) for order in orders]


def _note(step: str, reason: str) -> DegradedAnswer:
    return DegradedAnswer(model="face", step=step, reason=reason, message="")


def _answer(step: str = "", reason: str = "") -> AnalysisAnswer:
    return AnalysisAnswer.model_construct(degraded=(_note(step, reason),) if step else ())


def _told(fleet: Any, pipeline: Pipeline) -> list[AnalysisAnswer | Exception | None]:  # noqa: ANN401 - the part of a fleet that is used
    breaker = BreakerPipeline(pipeline, FaultCounter(fleet, "host/cuda:0"))
    order = Order.__new__(Order)
    return breaker.analyze_many([order, order], ends=(TimeoutError,))


@pytest.mark.parametrize(
    ("end", "ok"),
    [
        (_answer(), True),
        (_answer("cpu", "insufficient_vram"), True),
        (_answer("cpu", "ledger_unavailable"), True),
        # The store lost its data; the device is as it was.
        (_answer("cpu", "device_lost"), True),
        (_answer("smaller_batch", "out_of_memory"), True),
        (_answer("cpu", "out_of_memory"), False),
        (_answer("failed", "out_of_memory"), False),
        (_answer("cpu", "device_fault"), False),
        (_answer("cpu", "superseded"), True),
        (ImageRejected("image_corrupt", "no image"), True),
        (InferenceFailed("odd"), True),
        (OutOfMemory("full"), False),
        (None, True),
    ],
)
def test_only_what_is_the_device_s_fault_counts_against_it(
    end: AnalysisAnswer | Exception | None, *, ok: bool
) -> None:
    fleet = Fleet()

    assert _told(fleet, Pipeline(end)) == [end, end]

    # Once for the batch: its photos share the device's luck.
    assert fleet.told == [("host/cuda:0", ok)]


def test_a_batch_that_a_broken_device_ends_counts_and_still_ends() -> None:
    fleet = Fleet()

    with pytest.raises(DeviceFault):
        _told(fleet, Pipeline(DeviceFault("gone"), raises=True))

    assert fleet.told == [("host/cuda:0", False)]


@pytest.mark.parametrize(("end", "ok"), [(None, True), (OutOfMemory("full"), False)])
def test_photos_that_others_answer_count_as_well(end: Exception | None, *, ok: bool) -> None:
    fleet: Any = Fleet()
    breaker = BreakerPipeline(Pipeline(end), FaultCounter(fleet, "host/cuda:0"))
    broken = BreakerPipeline(
        Pipeline(DeviceFault("gone"), raises=True), FaultCounter(fleet, "host/cuda:1")
    )
    order = Order.__new__(Order)

    [photo] = breaker.look_many([order], ends=(TimeoutError,))
    with pytest.raises(DeviceFault):
        broken.look_many([order], ends=(TimeoutError,))

    assert photo.failure is end
    assert fleet.told == [("host/cuda:0", ok), ("host/cuda:1", False)]


def test_a_store_that_is_away_changes_no_answer() -> None:
    fleet = Fleet()
    fleet.is_away = True

    assert _told(fleet, Pipeline(None)) == [None, None]


@pytest.mark.parametrize(
    ("end", "ok"),
    [
        (WorkAnswer(), True),
        (WorkAnswer(degraded=(_note("cpu", "device_fault"),)), False),
        (ImageRejected("image_truncated", ""), True),
        (DeviceFault(), False),
        (OutOfMemory(), False),
        (None, True),
    ],
)
def test_a_work_counts_against_its_device_as_photos_do(
    end: WorkAnswer | Exception | None, ok: bool
) -> None:
    class Work:
        def run(self, claim: object, *, is_wanted: object) -> WorkAnswer | None:
            del claim, is_wanted
            if isinstance(end, Exception):
                raise end
            return end

    fleet: Any = Fleet()
    work = BreakerWork(Work(), FaultCounter(fleet, "host/cuda:0"))
    claim = Claim.__new__(Claim)

    if isinstance(end, Exception):
        with pytest.raises(type(end)):
            work.run(claim, is_wanted=lambda: True)
    else:
        assert work.run(claim, is_wanted=lambda: True) is end

    assert fleet.told == [("host/cuda:0", ok)]
