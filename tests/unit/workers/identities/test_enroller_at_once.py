"""Enrolment: what others add between the check of a face and its adding."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
import redis

from tests.unit.workers.identities.album import (
    DIMENSIONS,
    NOTED,
    OTHER_MODEL,
    PRESETS,
    UID,
    Shown,
    axis,
    embedding,
    like,
)
from tests.unit.workers.identities.enrolling import Bench, outcomes
from workers.identities.answers import EnrolledPhotoAnswer
from workers.identities.embeddings import contract_of, stored_vector
from workers.identities.enroll_order import EnrollOrder
from workers.identities.enroller import Enroller
from workers.identities.index.searcher import LocalSearcher
from workers.identities.records import AddedFaces, FaceVector
from workers.identities.store import PersonStore


class Crowded:
    """Persons; others are quicker than whoever is about to add faces."""

    def __init__(self, persons: PersonStore) -> None:
        self._persons = persons
        #: What others do before the next call.
        self.meanwhile: list[Callable[[], object]] = []

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - any method of the port
        return getattr(self._persons, name)

    def add_faces(self, *args: Any, **kwargs: Any) -> AddedFaces:  # noqa: ANN401 - as the port
        """See PersonStore."""
        while self.meanwhile:
            self.meanwhile.pop(0)()
        return self._persons.add_faces(*args, **kwargs)


class Crowd(Bench):
    """A bench, and another one beside it on the same store."""

    def __init__(self, client: redis.Redis, **settings: Any) -> None:  # noqa: ANN401 - members
        super().__init__(client, **settings)
        self.persons = Crowded(self.album.stores.persons)
        persons: Any = self.persons
        stores = replace(self.album.stores, persons=persons)
        self.enroller = Enroller(stores, self.album.searcher, self.pipeline, self.keeper, PRESETS)
        other = LocalSearcher(
            self.album.stores.log,
            self.album.stores.persons,
            index_mb=16,
            exact_faces=1000,
            process="there:1",
        )
        self.beside = Enroller(self.album.stores, other, self.pipeline, self.keeper, PRESETS)

    def meanwhile(self, *orders: EnrollOrder) -> None:
        """Others enrol these before the next faces are added."""
        self.persons.meanwhile.append(lambda: self.beside.enroll(orders))


@pytest.fixture
def crowd(fake_redis: redis.Redis) -> Callable[..., Crowd]:
    def _crowd(**settings: Any) -> Crowd:  # noqa: ANN401 - members
        made = Crowd(fake_redis, **settings)
        for id_ in ("zoe", "max"):
            made.album.person(id_)
        return made

    return _crowd


@pytest.mark.parametrize(("policy", "outcome"), [("standard", "added"), ("strict", "refused")])
def test_of_two_look_alikes_at_once_the_second_is_told_of_the_first(
    crowd: Callable[..., Crowd], policy: str, outcome: str
) -> None:
    one = crowd(quality=policy)
    one.show(zoe=Shown(faces=[axis(0)]), max=Shown(faces=[like(0, 0.8)]))
    one.meanwhile(one.order("max", person="max"))

    [answer] = one.enroll("zoe")

    assert answer.outcome == outcome
    assert (*answer.reasons, *answer.warnings) == ("identity_similarity_conflict",)
    assert answer.similar_to is not None
    assert answer.similar_to.person_id == "max"
    assert answer.similar_to.similarity == pytest.approx(0.8, abs=1e-3)
    assert one.faces("max") == 1
    assert one.faces() == (outcome == "added")


def test_the_look_alike_costs_no_other_photo_of_the_call(crowd: Callable[..., Crowd]) -> None:
    one = crowd(quality="strict")
    one.album.person("ann")
    one.show(
        first=Shown(faces=[axis(0)]),
        alike=Shown(faces=[like(0, 0.9)]),
        max=Shown(faces=[like(1, 0.9, beside=2)]),
        second=Shown(faces=[axis(1)]),
    )
    one.meanwhile(one.order("max", person="max"))

    answers = one.answers(one.order("first"), one.order("alike"), one.order("second", person="ann"))

    # The second is somebody else's, and was not being added yet.
    assert outcomes(answers) == ["added", "added", ("identity_similarity_conflict",)]
    assert (one.faces(), one.faces("ann")) == (2, 0)


def test_strangers_who_come_meanwhile_cost_another_look_at_them_alone(
    crowd: Callable[..., Crowd],
) -> None:
    one = crowd(quality="strict", keep_images=True)
    one.show(zoe=Shown(faces=[axis(0)]), max=Shown(faces=[axis(1)]))
    one.meanwhile(one.order("max", person="max"))

    [answer] = one.enroll("zoe")

    assert (answer.outcome, answer.warnings, one.faces()) == ("added", (), 1)
    assert [order.read() for order in one.pipeline.orders] == [b"zoe", b"max"]
    # The photo was sealed and stored once.
    assert one.keeper.kept.count(b"zoe") == 1


def test_who_becomes_liker_to_their_own_meanwhile_is_no_conflict(
    crowd: Callable[..., Crowd],
) -> None:
    one = crowd()
    one.show(zoe=Shown(faces=[like(0, 0.8, beside=1)]))
    one.persons.meanwhile.append(
        lambda: (one.album.add("zoe", axis(0)), one.album.add("max", axis(1)))
    )

    [answer] = one.enroll("zoe", alone=True)

    assert (answer.outcome, answer.similar_to) == ("added", None)


@pytest.mark.parametrize("alone", [False, True])
@pytest.mark.parametrize(("policy", "outcome"), [("standard", "added"), ("strict", "refused")])
def test_of_two_photos_of_one_person_at_once_the_second_is_told_that_they_are_unlike(
    crowd: Callable[..., Crowd], policy: str, outcome: str, *, alone: bool
) -> None:
    one = crowd(quality=policy)
    one.show(zoe=Shown(faces=[axis(0)]), other=Shown(faces=[axis(1)]))
    one.meanwhile(one.order("other", alone=alone))

    [answer] = one.enroll("zoe", alone=alone)

    assert answer.outcome == outcome
    assert (*answer.reasons, *answer.warnings) == ("another_person",)
    assert one.faces() == 1 + (outcome == "added")


def test_a_look_alike_to_the_model_of_before_is_none_after_the_model_was_changed(
    crowd: Callable[..., Crowd],
) -> None:
    one = crowd()
    one.show(zoe=Shown(faces=[axis(0)]))
    [face_id] = one.album.add("max", like(0, 0.8))

    def change_model() -> None:
        other = embedding(axis(5), OTHER_MODEL)
        vector = FaceVector(face_id=face_id, person_id="max", vector=stored_vector(other))
        store = one.album.stores.reembedding
        store.begin(UID, model=OTHER_MODEL.id, job_id="job_2")
        store.add_vectors(UID, "job_2", [vector], contract=contract_of(other))
        assert store.switch(UID, "job_2", audit=NOTED)
        one.pipeline.model = OTHER_MODEL

    one.persons.meanwhile.append(change_model)

    [answer] = one.enroll("zoe")

    assert (answer.outcome, answer.warnings, answer.similar_to) == ("added", (), None)


def test_two_workers_side_by_side_add_one_of_each_pair_of_look_alikes(
    crowd: Callable[..., Crowd],
) -> None:
    one = crowd(quality="strict")
    names = [f"{number}" for number in range(DIMENSIONS - 1)]
    for number, name in enumerate(names):
        one.show(
            **{f"a{name}": Shown(faces=[axis(number)]), f"b{name}": Shown(faces=[axis(number)])}
        )
        one.album.person(f"a{name}")
        one.album.person(f"b{name}")

    def work(enroller: Enroller, side: str) -> list[str | tuple[str, ...]]:
        found: list[str | tuple[str, ...]] = []
        for first in range(0, len(names), 5):
            orders = [
                one.order(side + name, person=side + name, origin="batch_1", alone=True)
                for name in names[first : first + 5]
            ]
            found += outcomes(
                [a for a in enroller.enroll(orders) if isinstance(a, EnrolledPhotoAnswer)]
            )
        return found

    with ThreadPoolExecutor(2) as pool:
        sides = [
            pool.submit(work, enroller, side)
            for enroller, side in ((one.enroller, "a"), (one.beside, "b"))
        ]
        ends = [side.result() for side in sides]

    assert [len(found) for found in ends] == [len(names)] * 2
    for mine, theirs in zip(*ends, strict=True):
        assert sorted((mine, theirs), key=str) == [("identity_similarity_conflict",), "added"]
    assert one.album.collection.faces == len(names)
