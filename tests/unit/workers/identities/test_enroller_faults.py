"""Enrolment: what goes wrong, and whom it concerns."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from models.errors import DeviceFault, InferenceFailed
from tests.unit.workers.identities.album import (
    DIMENSIONS,
    MODEL,
    NOTED,
    OTHER_MODEL,
    PRESETS,
    UID,
    ScriptedPipeline,
    Shown,
    axis,
)
from tests.unit.workers.identities.enrolling import Bench
from workers.answers.analysis import ReasonAnswer
from workers.errors import BlobMissing, StoreUnavailable
from workers.identities.answers import EnrolledPhotoAnswer
from workers.identities.enroller import Enroller
from workers.identities.errors import ContractMismatch, PersonNotFound
from workers.stages.stage import AnalysisUnavailable


def test_a_person_who_is_gone_fails_alone(bench: Callable[..., Bench]) -> None:
    one = bench()
    one.show(first=Shown(faces=[axis(0)]), second=Shown(faces=[axis(1)]))

    first, second = one.enroller.enroll([one.order("first", person="max"), one.order("second")])

    assert isinstance(first, PersonNotFound)
    assert isinstance(second, EnrolledPhotoAnswer)
    assert second.outcome == "added"


@pytest.mark.parametrize("policy", ["off", "standard"])
def test_a_person_who_is_gone_by_the_end_fails_alone(
    bench: Callable[..., Bench], policy: str
) -> None:
    one = bench(quality=policy)
    one.album.person("max")
    one.show(first=Shown(faces=[axis(0)]), second=Shown(faces=[axis(1)]))

    def deletes() -> bytes:
        one.album.stores.persons.delete(UID, "max", audit=NOTED)
        return b"first"

    order = replace(one.order("first", person="max"), read=deletes)

    first, second = one.enroller.enroll([order, one.order("second")])

    assert isinstance(first, PersonNotFound)
    assert isinstance(second, EnrolledPhotoAnswer)


def test_a_photo_is_not_of_who_was_made_anew_under_the_id(bench: Callable[..., Bench]) -> None:
    one = bench()
    one.show(first=Shown(faces=[axis(0)]), second=Shown(faces=[axis(1)]))
    leaf = one.album.stores.persons.get(UID, "zoe").leaf
    one.album.stores.persons.delete(UID, "zoe", audit=NOTED)
    one.album.person("zoe")
    other = one.album.stores.persons.get(UID, "zoe").leaf

    first, second = one.enroller.enroll(
        [one.order("first", leaf=leaf), one.order("second", leaf=other)]
    )

    assert isinstance(first, PersonNotFound)
    assert isinstance(second, EnrolledPhotoAnswer)
    assert second.outcome == "added"
    assert one.faces() == 1
    # Nor is it looked at.
    assert [order.read() for order in one.pipeline.orders] == [b"second"]


@pytest.mark.parametrize("policy", ["off", "strict"])
def test_a_photo_is_not_of_who_is_made_anew_while_it_is_looked_at(
    bench: Callable[..., Bench], policy: str
) -> None:
    one = bench(quality=policy)
    one.show(first=Shown(faces=[axis(0)]))
    leaf = one.album.stores.persons.get(UID, "zoe").leaf

    def made_anew() -> bytes:
        one.album.stores.persons.delete(UID, "zoe", audit=NOTED)
        one.album.person("zoe")
        return b"first"

    [found] = one.enroller.enroll([replace(one.order("first", leaf=leaf), read=made_anew)])

    assert isinstance(found, PersonNotFound)
    assert one.faces() == 0


def test_faults_of_photos_are_told_as_they_are(bench: Callable[..., Bench]) -> None:
    one = bench()
    one.show(
        lost=Shown(failure=BlobMissing("gone")),
        failed=Shown(failure=InferenceFailed("no")),
        unrecognised=Shown(
            faces=[axis(0)], unrecognised=ReasonAnswer(code="cpu_refused", message="Not here.")
        ),
        good=Shown(faces=[axis(0)]),
    )
    unwanted = one.order("good", place="unwanted", is_wanted=lambda: False)

    lost, failed, unrecognised, good, dropped = one.enroller.enroll(
        [*map(one.order, ("lost", "failed", "unrecognised", "good")), unwanted]
    )

    assert isinstance(lost, BlobMissing)
    assert isinstance(failed, InferenceFailed)
    assert isinstance(unrecognised, AnalysisUnavailable)
    assert isinstance(good, EnrolledPhotoAnswer)
    assert dropped is None


def test_a_store_that_is_away_concerns_all_of_the_call(bench: Callable[..., Bench]) -> None:
    one = bench()
    one.show(first=Shown(faces=[axis(0)]), second=Shown(faces=[axis(0)]))

    class Away:
        """Can't be searched."""

        def search(self, *_: Any, **__: Any) -> Any:  # noqa: ANN401 - whatever it is asked
            raise StoreUnavailable

    enroller = Enroller(one.album.stores, Away(), one.pipeline, one.keeper, PRESETS)

    found = enroller.enroll([one.order("first"), one.order("second")])

    assert [type(each) for each in found] == [StoreUnavailable] * 2
    assert one.faces() == 0


@pytest.mark.parametrize("policy", ["off", "standard"])
@pytest.mark.parametrize("dimensions", [DIMENSIONS, 4])
def test_faces_of_another_model_are_not_mixed_in(
    bench: Callable[..., Bench], policy: str, dimensions: int
) -> None:
    one = bench(quality=policy)
    one.album.add("zoe", axis(0))
    one.pipeline.model = OTHER_MODEL
    one.show(photo=Shown(faces=[axis(0)[:dimensions]]))

    [found] = one.enroller.enroll([one.order("photo")])

    assert isinstance(found, ContractMismatch)


def test_a_model_that_was_changed_meanwhile_is_taken_up(bench: Callable[..., Bench]) -> None:
    one = bench(quality="off")
    one.pipeline.model = OTHER_MODEL
    one.show(photo=Shown(faces=[axis(0)]))
    one.album.person("max")

    def changes() -> bytes:
        # Somebody else's first face fixes the model.
        if not one.faces("max"):
            one.album.add("max", axis(3))
            return b"photo"
        one.pipeline.model = MODEL
        return b"photo"

    [found] = one.enroller.enroll([replace(one.order("photo"), read=changes)])

    assert isinstance(found, EnrolledPhotoAnswer)
    assert found.outcome == "added"
    assert [order.options.recognition_model for order in one.pipeline.orders] == [None, "sface"]


def test_what_ends_the_whole_call_is_raised(bench: Callable[..., Bench]) -> None:
    one = bench()

    class Broken(ScriptedPipeline):
        """A device that is gone, or a task whose time is over."""

        def look_many(self, *_: Any, **__: Any) -> Any:  # noqa: ANN401 - whatever it is asked
            raise self.error

        error: Exception = DeviceFault("gone")

    pipeline = Broken(shown={})
    enroller = Enroller(one.album.stores, one.album.searcher, pipeline, one.keeper, PRESETS)

    with pytest.raises(DeviceFault):
        enroller.enroll([one.order("photo")])
    pipeline.error = TimeoutError()
    with pytest.raises(TimeoutError):
        enroller.enroll([one.order("photo")], ends=(TimeoutError,))
