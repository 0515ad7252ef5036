"""What happens to a batch of photos when a network fails, or somebody loses interest."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from numpy.typing import NDArray

from models.catalogue import load_catalogue
from models.contract import InferenceSession, Tensors
from models.errors import DeviceFault, InferenceFailed
from models.weights.store import WeightStore
from workers.answers.analysis import AnalysisAnswer
from workers.contract import AnalyzeOptions
from workers.devices.loaded import LoadedModel
from workers.devices.residency import Residency
from workers.notes import Note, Notes
from workers.photos.photo import Order
from workers.photos.pipeline import FacePipeline

pytestmark = pytest.mark.weights

ALL = AnalyzeOptions(
    analyses=("recognition", "anti_spoofing", "demographics"), return_embeddings=True
)
RECOGNITION = AnalyzeOptions(analyses=("recognition",))


class WatchedSession:
    """A real session that fails where it is told to, and counts rows."""

    def __init__(self, session: InferenceSession, fail: Callable[[int], None]) -> None:
        self._session = session
        self._fail = fail
        self.inputs, self.outputs = session.inputs, session.outputs
        self.provider = session.provider

    def run(self, feeds: Tensors) -> dict[str, NDArray[Any]]:
        self._fail(len(next(iter(feeds.values()))))
        return self._session.run(feeds)


class WatchedResidency(Residency):
    """Models on the CPU, one of which is watched."""

    watched: str = "sface"

    def __init__(self, weights: WeightStore, fail: Callable[[int], None]) -> None:
        super().__init__(store=weights, catalogue=load_catalogue())
        self._fail = fail
        self.notes_given: tuple[Note, ...] = ()

    @contextmanager
    def use(self, ids: Sequence[str], *, some: bool = False) -> Iterator[list[LoadedModel]]:
        with super().use(ids, some=some) as models:
            yield [self._watch(model) for model in models]

    def take_notes(self) -> tuple[Note, ...]:
        return self.notes_given

    def _watch(self, model: LoadedModel) -> LoadedModel:
        network = model.network
        if network.spec.id != self.watched:
            return model
        session = WatchedSession(network.session, self._fail)
        return LoadedModel(network=replace(network, session=session), device=model.device)


def _nothing(_rows: int) -> None:
    """Fails never."""


@pytest.fixture
def order(photos: dict[str, Path]) -> Callable[..., Order]:
    def _order(name: str, options: AnalyzeOptions = ALL, **more: Any) -> Order:  # noqa: ANN401 - fields of Order
        return Order(read=photos[name].read_bytes, options=options, **more)

    return _order


def _answer(outcome: AnalysisAnswer | Exception | None) -> AnalysisAnswer:
    assert isinstance(outcome, AnalysisAnswer), outcome
    return outcome


def test_faces_of_all_photos_share_runs(weights: WeightStore, order: Callable[..., Order]) -> None:
    rows: list[int] = []
    pipeline = FacePipeline(WatchedResidency(weights, rows.append), max_pixels=10**7)

    outcomes = pipeline.analyze_many([order("astronaut", RECOGNITION) for _ in range(5)])

    assert len(outcomes) == sum(rows) == 5
    assert len(rows) < 5


def test_what_fails_together_is_tried_alone_so_that_only_the_guilty_one_fails(
    weights: WeightStore, order: Callable[..., Order]
) -> None:
    def one_row_only(rows: int) -> None:
        if rows > 1:
            raise InferenceFailed("one row is all I take")

    pipeline = FacePipeline(WatchedResidency(weights, one_row_only), max_pixels=10**7)
    orders = [order(name, RECOGNITION) for name in ("astronaut", "t1", "astronaut")]

    first, guilty, last = map(_answer, pipeline.analyze_many(orders))

    # t1 shows several faces: alone, too, they come as a batch.
    assert guilty.unavailable["recognition"].code == "inference_failed"
    assert guilty.faces[0].recognition is None
    for answer in (first, last):
        assert not answer.unavailable
        assert answer.faces[0].recognition is not None


def test_a_detector_that_fails_on_one_photo_is_replaced_for_it_alone(
    weights: WeightStore, order: Callable[..., Order]
) -> None:
    class CenterFaceWatched(WatchedResidency):
        watched = "centerface"

    runs: list[int] = []

    def fail_twice_in_the_middle(rows: int) -> None:
        # The second photo's first look, in the batch and again when it is alone.
        runs.append(rows)
        if len(runs) in {second_in_batch, second_alone}:
            raise InferenceFailed("it shows something I can't bear")

    def run(count: int) -> list[AnalysisAnswer]:
        runs.clear()
        residency = CenterFaceWatched(weights, fail_twice_in_the_middle)
        pipeline = FacePipeline(residency, max_pixels=10**7)
        options = AnalyzeOptions(analyses=("detection",), engine="centerface")
        orders = [order("astronaut", options) for _ in range(count)]
        return [_answer(outcome) for outcome in pipeline.analyze_many(orders)]

    second_in_batch = second_alone = 0
    run(1)
    looks = len(runs)
    second_in_batch, second_alone = looks + 1, 2 * looks + 2

    first, second, third = run(3)

    assert [a.detection.engine for a in (first, second, third)] == [
        "centerface",
        "yunet",
        "centerface",
    ]
    assert second.detection.fallback is not None
    assert first.detection.fallback is third.detection.fallback is None


def test_a_photo_nobody_wants_any_more_is_dropped_between_stages(
    weights: WeightStore, order: Callable[..., Order]
) -> None:
    rows: list[int] = []
    pipeline = FacePipeline(WatchedResidency(weights, rows.append), max_pixels=10**7)
    asked: list[bool] = []

    def wanted_until_its_faces_are_found() -> bool:
        asked.append(True)
        return len(asked) == 1

    kept, dropped = pipeline.analyze_many(
        [
            order("astronaut", RECOGNITION),
            order("astronaut", RECOGNITION, is_wanted=wanted_until_its_faces_are_found),
        ]
    )

    assert _answer(kept).faces[0].recognition is not None
    assert dropped is None
    assert sum(rows) == 1


class OutOfTimeError(Exception):
    """What ends a task that ran too long."""


@pytest.mark.parametrize("error", [OutOfTimeError(), DeviceFault()])
def test_an_error_that_is_no_photo_s_ends_the_batch(
    weights: WeightStore, order: Callable[..., Order], error: Exception
) -> None:
    def fail(_rows: int) -> None:
        raise error

    pipeline = FacePipeline(WatchedResidency(weights, fail), max_pixels=10**7)

    with pytest.raises(type(error)):
        pipeline.analyze_many(
            [order("astronaut", RECOGNITION) for _ in range(2)], ends=(OutOfTimeError,)
        )


def test_what_went_otherwise_than_planned_is_told_to_those_it_concerns(
    weights: WeightStore, order: Callable[..., Order]
) -> None:
    def note(model: str) -> Note:
        return Note(model=model, step="cpu", reason="insufficient_vram", message="40 MiB short.")

    residency = WatchedResidency(weights, _nothing)
    residency.notes_given = (note("sface"), note("nobody_used_it"))
    pipeline = FacePipeline(residency, max_pixels=10**7)
    detection = AnalyzeOptions(analyses=("detection",))

    recognised, detected = (
        _answer(outcome)
        for outcome in pipeline.analyze_many(
            [order("astronaut", RECOGNITION), order("astronaut", detection)]
        )
    )

    assert [one.model for one in recognised.degraded] == ["sface", "nobody_used_it"]
    assert recognised.degraded[0].message == "40 MiB short."
    assert [one.model for one in detected.degraded] == ["sface", "nobody_used_it"]
    residency.notes_given = ()
    [quiet] = pipeline.analyze_many([order("astronaut", detection)])
    assert "degraded" not in _answer(quiet).model_dump(exclude_unset=True)


def test_notes_of_work_that_was_broken_off_are_in_nobody_else_s_answer(
    weights: WeightStore, order: Callable[..., Order]
) -> None:
    notes = Notes()
    residency = Residency(store=weights, catalogue=load_catalogue(), notes=notes)
    pipeline = FacePipeline(residency, max_pixels=10**7)
    notes.add(Note(model="another", step="cpu", reason="ledger_unavailable", message="Gone."))

    [outcome] = pipeline.analyze_many([order("astronaut", RECOGNITION)])

    assert _answer(outcome).degraded == ()


def test_a_time_limit_that_is_reached_while_an_image_is_waited_for_is_no_fault_of_that_image(
    weights: WeightStore, order: Callable[..., Order]
) -> None:
    def run_out_of_time() -> bytes:
        raise TimeoutError

    pipeline = FacePipeline(WatchedResidency(weights, _nothing), max_pixels=10**7)
    late = replace(order("astronaut"), read=run_out_of_time)

    for orders in ([order("astronaut"), late], [late]):
        with pytest.raises(TimeoutError):
            pipeline.analyze_many(orders, ends=(TimeoutError,))
