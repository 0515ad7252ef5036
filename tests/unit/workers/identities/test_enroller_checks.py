"""Enrolment: faces held against the person's others, and against everybody else's."""

from collections.abc import Callable

import fakeredis
import pytest

from tests.unit.workers.identities.album import (
    Shown,
    axis,
    like,
)
from tests.unit.workers.identities.enrolling import Bench, outcomes
from workers.identities.answers import EnrolledPhotoAnswer
from workers.identities.enroller import Enroller


@pytest.mark.parametrize(("policy", "outcome"), [("standard", "added"), ("strict", "refused")])
def test_a_face_nearer_to_another_person_is_told_and_refused_by_a_strict_collection(
    bench: Callable[..., Bench], policy: str, outcome: str
) -> None:
    one = bench(quality=policy)
    one.album.person("max", axis(1))
    one.show(photo=Shown(faces=[like(1, 0.8)]))

    [answer] = one.enroll("photo")

    assert answer.outcome == outcome
    assert "identity_similarity_conflict" in (*answer.reasons, *answer.warnings)
    assert answer.similar_to is not None
    assert answer.similar_to.person_id == "max"
    assert answer.similar_to.similarity == pytest.approx(0.8, abs=1e-3)


def test_what_was_added_is_not_refused_when_the_work_is_repeated(
    bench: Callable[..., Bench],
) -> None:
    one = bench(quality="strict")
    one.show(photo=Shown(faces=[axis(0)]))
    one.enroll("photo")
    one.album.person("max", axis(0))

    [again] = one.enroll("photo")

    assert (again.outcome, again.reasons) == ("known", ())
    assert again.warnings == ("identity_similarity_conflict",)
    assert again.similar_to is not None
    assert again.similar_to.person_id == "max"
    assert one.faces() == 1


def test_a_face_like_another_person_but_liker_its_own_is_no_conflict(
    bench: Callable[..., Bench],
) -> None:
    one = bench()
    one.album.add("zoe", axis(0))
    one.album.person("max", axis(1))
    one.show(photo=Shown(faces=[like(0, 0.8, beside=1)]))

    [answer] = one.enroll("photo")

    assert (answer.outcome, answer.warnings, answer.similar_to) == ("added", (), None)


def test_one_face_for_two_persons_in_one_call_is_a_conflict_of_the_second(
    bench: Callable[..., Bench],
) -> None:
    one = bench()
    one.album.person("max")
    one.show(first=Shown(faces=[axis(0)]), second=Shown(faces=[like(0, 0.9)]))

    answers = one.answers(one.order("first"), one.order("second", person="max"))

    assert [answer.similar_to and answer.similar_to.person_id for answer in answers] == [
        None,
        "zoe",
    ]


def test_the_one_photo_that_is_unlike_the_others_is_somebody_elses(
    bench: Callable[..., Bench],
) -> None:
    one = bench()
    one.show(
        first=Shown(faces=[axis(0)]),
        stranger=Shown(faces=[axis(5)]),
        second=Shown(faces=[like(0, 0.7)]),
    )

    answers = one.enroll("first", "stranger", "second")

    assert outcomes(answers) == ["added", ("another_person",), "added"]


@pytest.mark.parametrize(("policy", "outcome"), [("standard", "added"), ("strict", "refused")])
def test_of_two_photos_that_disagree_nobody_can_say_which_is_the_persons(
    bench: Callable[..., Bench], policy: str, outcome: str
) -> None:
    one = bench(quality=policy)
    one.show(first=Shown(faces=[axis(0)]), second=Shown(faces=[axis(5)]))

    answers = one.enroll("first", "second")

    assert [answer.outcome for answer in answers] == [outcome] * 2
    assert all("another_person" in (*one.reasons, *one.warnings) for one in answers)


def test_photos_that_come_alone_are_not_judged_by_their_neighbours(
    bench: Callable[..., Bench],
) -> None:
    one = bench()
    one.show(
        stranger=Shown(faces=[axis(5)]),
        first=Shown(faces=[axis(0)]),
        second=Shown(faces=[axis(0)]),
    )
    together = one.enroll("stranger", "first", "second", alone=True)
    two = Bench(fakeredis.FakeRedis(server=fakeredis.FakeServer(version=(7, 2))))
    two.album.person("zoe")
    two.show(**one.pipeline.shown)

    by_one = [two.enroll(name, alone=True)[0] for name in ("stranger", "first", "second")]

    assert [(a.outcome, a.warnings) for a in together] == [(b.outcome, b.warnings) for b in by_one]
    assert together[0].warnings == ()
    assert together[1].warnings == ("another_person",)


def test_without_measured_thresholds_what_can_not_be_checked_is_said(
    bench: Callable[..., Bench],
) -> None:
    one = bench()
    enroller = Enroller(one.album.stores, one.album.searcher, one.pipeline, one.keeper, {})
    one.show(photo=Shown(faces=[axis(0)]))

    [answer] = enroller.enroll([one.order("photo")])

    assert isinstance(answer, EnrolledPhotoAnswer)
    assert (answer.outcome, answer.warnings) == ("added", ("similarity_not_checked",))


def test_work_that_is_repeated_finds_the_same_conflict(bench: Callable[..., Bench]) -> None:
    one = bench()
    one.album.person("max", axis(1))
    one.show(photo=Shown(faces=[like(1, 0.8)]))
    [first] = one.enroll("photo")

    [again] = one.enroll("photo")

    # What the first call had added is no face of Zoe's that this one is nearer to.
    assert again.warnings == first.warnings == ("identity_similarity_conflict",)
    assert first.similar_to is not None
    assert again.similar_to is not None
    assert again.similar_to.person_id == first.similar_to.person_id == "max"
