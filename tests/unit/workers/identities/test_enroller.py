"""Enrolment: which photos become known faces, and why the others do not."""

import hashlib
from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.unit.workers.identities.album import (
    GOOD,
    UID,
    Shown,
    axis,
    deepfake,
    like,
    liveness,
)
from tests.unit.workers.identities.enrolling import Bench, outcomes
from workers.errors import ImageRejected
from workers.identities.embeddings import matrix_of


def test_good_photos_become_faces_and_the_rest_is_told_why_not(
    bench: Callable[..., Bench],
) -> None:
    one = bench()
    one.show(
        first=Shown(faces=[axis(0)]),
        nobody=Shown(),
        many=Shown(faces=[axis(0), axis(1)]),
        small=Shown(
            faces=[axis(0)],
            quality=GOOD.model_copy(update={"reasons": ("face_too_small", "low_quality")}),
        ),
        broken=Shown(failure=ImageRejected("image_truncated", "The file ends too early.")),
        second=Shown(faces=[like(0, 0.7)]),
    )

    answers = one.enroll("first", "nobody", "many", "small", "broken", "second")

    assert outcomes(answers) == [
        "added",
        ("face_not_found",),
        ("multiple_faces",),
        ("face_too_small",),
        ("image_truncated",),
        "added",
    ]
    assert [one.index for one in answers] == [0, 1, 2, 3, 4, 5]
    assert answers[0].filename == "first.jpg"
    assert answers[2].faces_found == 2
    assert answers[4].message == "The file ends too early."
    assert all(answer.message for answer in answers if answer.reasons)
    stored = one.album.stores.persons.faces(UID, "zoe")
    assert [face.id for face in stored] == [answers[0].face_id, answers[5].face_id]
    assert stored[0].source_sha256 == hashlib.sha256(b"first").hexdigest()
    assert (stored[0].origin, stored[0].added_by, stored[0].quality) == ("job_1", "ada", 0.8)


def test_enrolment_is_noted_once_for_each_person_and_call(bench: Callable[..., Bench]) -> None:
    one = bench()
    one.show(first=Shown(faces=[axis(0)]), second=Shown(faces=[axis(0)]))

    one.enroll("first", "second", credential_id="key_1")

    [event] = one.album.audited("faces.enrolled")
    assert (event.by, event.credential_id, event.cause) == ("ada", "key_1", "job_1")
    assert event.person_ids == ("zoe",)


def test_work_that_is_repeated_adds_nothing_twice(bench: Callable[..., Bench]) -> None:
    one = bench()
    one.show(first=Shown(faces=[axis(0)]))
    [added] = one.enroll("first")

    [again] = one.enroll("first")

    assert again == added.model_copy(update={"outcome": "known"})
    assert one.faces() == 1


def test_the_same_photo_in_another_call_is_a_duplicate(bench: Callable[..., Bench]) -> None:
    one = bench()
    one.show(first=Shown(faces=[axis(0)]))
    one.enroll("first")

    [again] = one.enroll("first", origin="job_2")

    assert (again.outcome, again.face_id, again.reasons) == ("duplicate", None, ())
    assert one.faces() == 1


@pytest.mark.parametrize(("choice", "vector"), [("largest", 0), ("center", 2)])
def test_of_several_faces_the_one_that_is_asked_for_is_the_persons(
    bench: Callable[..., Bench], choice: str, vector: int
) -> None:
    one = bench()
    one.show(many=Shown(faces=[axis(0), axis(1), axis(2)]))

    [answer] = one.enroll("many", face=choice)

    assert (answer.outcome, answer.faces_found) == ("added", 3)
    [face] = one.album.stores.persons.faces(UID, "zoe")
    [stored] = one.album.stores.persons.vectors(UID, [face.id])
    assert matrix_of([stored], dimensions=16) == pytest.approx(axis(vector)[None])


@pytest.mark.parametrize(
    ("policy", "reasons"),
    [
        ("off", ()),
        ("standard", ("blurred", "extreme_pose", "not_upright")),
        ("strict", ("low_quality", "blurred", "extreme_pose", "at_edge", "not_upright")),
    ],
)
def test_a_collections_policy_says_what_is_too_poor(
    bench: Callable[..., Bench], policy: str, reasons: tuple[str, ...]
) -> None:
    one = bench(quality=policy)
    found = ("low_quality", "blurred", "extreme_pose", "at_edge", "not_upright")
    one.show(poor=Shown(faces=[axis(0)], quality=GOOD.model_copy(update={"reasons": found})))

    [answer] = one.enroll("poor")

    assert answer.reasons == reasons
    assert answer.warnings == (() if reasons else found)
    assert [order.checks_upright for order in one.pipeline.orders] == [True]


def test_what_a_policy_does_not_refuse_for_it_warns_of(bench: Callable[..., Bench]) -> None:
    one = bench()
    dark = GOOD.model_copy(update={"reasons": ("low_quality", "too_dark")})
    one.show(dark=Shown(faces=[axis(0)], quality=dark))

    [answer] = one.enroll("dark")

    assert (answer.outcome, answer.warnings) == ("added", ("low_quality", "too_dark"))


@pytest.mark.parametrize(
    ("require", "shown", "reasons"),
    [
        ("live", Shown(liveness=liveness("live")), ()),
        ("live", Shown(liveness=liveness("spoof")), ("spoof_suspected",)),
        ("live", Shown(liveness=liveness("retake")), ("liveness_uncertain",)),
        ("live", Shown(), ("liveness_not_judged",)),
        ("authentic", Shown(deepfake=deepfake("authentic")), ()),
        ("authentic", Shown(deepfake=deepfake("manipulated")), ("manipulated_suspected",)),
        ("authentic", Shown(deepfake=deepfake("inconclusive")), ("authenticity_uncertain",)),
        ("authentic", Shown(), ("authenticity_not_judged",)),
    ],
)
def test_a_face_that_is_not_what_is_required_or_can_not_be_judged_is_refused(
    bench: Callable[..., Bench], require: str, shown: Shown, reasons: tuple[str, ...]
) -> None:
    one = bench(quality="off")
    one.show(photo=replace(shown, faces=[axis(0)]))

    [answer] = one.enroll("photo", require=(require,))

    assert answer.reasons == reasons
    assert one.faces() == (0 if reasons else 1)


def test_a_collection_that_takes_only_live_faces_asks_for_that_itself(
    bench: Callable[..., Bench],
) -> None:
    one = bench(liveness_required=True)
    one.show(photo=Shown(faces=[axis(0)], liveness=liveness("spoof")))

    [answer] = one.enroll("photo")

    assert answer.reasons == ("spoof_suspected",)
    assert one.pipeline.orders[0].options.analyses == ("recognition", "anti_spoofing")


def test_a_person_with_enough_faces_gets_no_more(bench: Callable[..., Bench]) -> None:
    one = bench(most_faces_per_person=1)
    one.show(first=Shown(faces=[axis(0)]), second=Shown(faces=[axis(0)]))

    answers = one.enroll("first", "second")

    assert outcomes(answers) == ["added", ("person_full",)]


def test_photos_are_kept_only_where_the_collection_says_so_and_only_of_added_faces(
    bench: Callable[..., Bench],
) -> None:
    one = bench(keep_images=True)
    one.show(first=Shown(faces=[axis(0)]), nobody=Shown())

    one.enroll("first", "nobody")

    assert one.keeper.kept == [b"first"]


def test_no_photo_is_kept_otherwise(bench: Callable[..., Bench]) -> None:
    one = bench()
    one.show(first=Shown(faces=[axis(0)]))

    one.enroll("first")

    assert one.keeper.kept == []
