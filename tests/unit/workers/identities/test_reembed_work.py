"""A change of model: in turns, resumable, and counting only when complete."""

import numpy as np
import pytest
import redis

from tests.unit.workers.identities.album import (
    MODEL,
    OTHER_MODEL,
    UID,
    Shown,
    axis,
    embedding,
    like,
)
from tests.unit.workers.identities.reembedding import ROUTE, NoPipeline, Workshop
from workers.contract import JobState
from workers.errors import ImageRejected, StoreUnavailable
from workers.identities.embeddings import contract_of
from workers.identities.errors import ReembeddingUnderWay
from workers.identities.reembed_answer import ReembedAnswer
from workers.identities.reembed_photos import ReembeddedPhotos
from workers.identities.reembed_work import ReembedWork, Turns
from workers.jobs.options import ReembedOptions
from workers.jobs.store import NewJob
from workers.runner import JobRunner
from workers.work import TurnOver


@pytest.fixture
def shop(fake_redis: redis.Redis) -> Workshop:
    made = Workshop(fake_redis)
    for person in ("zoe", "yan"):
        made.album.person(person)
    return made


def test_all_faces_are_embedded_by_the_new_model(shop: Workshop) -> None:
    faces = [shop.enroll("zoe", f"photo {number}", axis(number)) for number in range(15)]
    faces += [shop.enroll("yan", f"{number} of yan", axis(number)) for number in range(10)]

    answer = shop.run()

    assert (answer.switched, answer.faces, answer.dropped) == (True, 25, 0)
    assert (answer.model, answer.sha256) == (OTHER_MODEL.id, OTHER_MODEL.sha256)
    assert shop.album.collection.contract == contract_of(embedding(axis(0), OTHER_MODEL))
    assert np.array_equal(shop.vector(faces[3]), np.roll(axis(3), 1))
    assert len(shop.pipeline.looks) == 25
    [noted] = shop.album.audited("collection.model_changed")
    assert (noted.by, noted.cause) == ("ada", "job_1")
    # Interactive jobs were served between steps.
    assert shop.served == 2


def test_of_several_faces_the_enrolled_one_is_found_again(shop: Workshop) -> None:
    group = [like(0, 0.6, beside=3), axis(1), axis(2)]
    chosen = shop.enroll("zoe", "group", axis(1), axis(0))
    shop.pipeline.shown["group"] = Shown(faces=group)

    answer = shop.run()

    assert answer.switched
    assert np.array_equal(shop.vector(chosen), np.roll(axis(1), 1))
    assert shop.pipeline.looks == [(OTHER_MODEL.id, "group"), (MODEL.id, "group")]


def test_a_face_that_is_not_the_enrolled_one_is_not_taken_for_it(shop: Workshop) -> None:
    shop.enroll("zoe", "group", axis(1))
    shop.pipeline.shown["group"] = Shown(faces=[like(1, 0.9), axis(5)])

    answer = shop.run()

    assert not answer.switched
    assert [one.reason for one in answer.to_enroll] == ["face_not_found_again"]


def test_without_photos_nothing_is_begun(shop: Workshop) -> None:
    shop.enroll("zoe", "kept", axis(0))
    lacking = shop.enroll("yan", "not kept", axis(1), keep=False)

    answer = shop.run()

    assert (answer.switched, answer.unembeddable, answer.faces) == (False, 1, 2)
    [told] = answer.to_enroll
    assert (told.face_id, told.person_id, told.reason) == (lacking, "yan", "no_image")
    assert shop.pipeline.looks == []
    assert shop.album.collection.reembedding is None
    assert shop.album.collection.contract == contract_of(embedding(axis(0)))


def test_faces_without_photos_are_forgotten_if_that_is_allowed(shop: Workshop) -> None:
    kept = shop.enroll("zoe", "kept", axis(0))
    for number in range(3):
        shop.enroll("yan", f"not kept {number}", axis(number), keep=False)

    answer = shop.run(drop=True)

    assert (answer.switched, answer.faces, answer.dropped) == (True, 1, 3)
    assert shop.album.stores.persons.faces(UID, "yan") == ()
    assert len(shop.album.audited("face.deleted")) == 3
    assert np.array_equal(shop.vector(kept), np.roll(axis(0), 1))


def test_what_a_photo_lacks_is_told_face_by_face(shop: Workshop) -> None:
    shop.enroll("zoe", "good", axis(0))
    shop.enroll("zoe", "lost", axis(1))
    shop.enroll("zoe", "empty", axis(2))
    shop.enroll("zoe", "broken", axis(3))
    [lost] = [
        one.image_key
        for one in shop.album.stores.persons.faces(UID, "zoe")
        if one.source_sha256 == "lost"
    ]
    shop.blobs.delete(lost)
    shop.pipeline.shown["empty"] = Shown(faces=[])
    shop.pipeline.shown["broken"] = Shown(failure=ImageRejected("image_damaged", "It is damaged."))

    answer = shop.run()

    assert not answer.switched
    assert sorted(one.reason for one in answer.to_enroll) == [
        "face_not_found",
        "image_damaged",
        "image_lost",
    ]
    assert shop.album.collection.reembedding is None


def test_a_turn_ends_and_the_next_one_goes_on(fake_redis: redis.Redis) -> None:
    shop = Workshop(fake_redis, seconds=0.5)
    shop.album.person("zoe")
    for number in range(40):
        shop.enroll("zoe", f"photo {number}", axis(number % 16))
    shop.now = 0
    runner = JobRunner(
        jobs=shop.jobs,
        blobs=shop.blobs,
        pipeline=NoPipeline(),
        lease_seconds=15,
        works={"reembed": shop.work},
    )
    options = ReembedOptions(collection=UID, model=OTHER_MODEL.id)
    shop.jobs.submit(NewJob(id="job_1", options=options, route=ROUTE, blob_keys=()))

    outcomes = []
    while not shop.jobs.get("job_1").state.is_final:
        outcomes.append(runner.run("job_1"))

    assert outcomes == ["given_back", "succeeded"]
    job = shop.jobs.get("job_1")
    assert (job.state, job.attempt) == (JobState.SUCCEEDED, 1)
    assert len(shop.pipeline.looks) == 40


def test_who_was_killed_embeds_nothing_twice(shop: Workshop) -> None:
    for number in range(20):
        shop.enroll("zoe", f"photo {number}", axis(number % 16))
    claim = shop.claim()

    assert shop.work.run(claim, is_wanted=lambda: shop.served < 1) is None

    assert shop.album.collection.reembedding
    looked_at = len(shop.pipeline.looks)
    assert 0 < looked_at < 20
    answer = shop.work.run(claim, is_wanted=lambda: True)
    assert isinstance(answer, ReembedAnswer)
    assert answer.switched
    assert len(shop.pipeline.looks) == 20
    again = shop.work.run(claim, is_wanted=lambda: True)
    assert isinstance(again, ReembedAnswer)
    assert (again.switched, again.faces) == (True, 20)
    assert len(shop.pipeline.looks) == 20


def test_a_cancelled_change_leaves_everything_as_it_was(shop: Workshop) -> None:
    face_id = shop.enroll("zoe", "photo", axis(0))
    claim = shop.claim()
    shop.jobs.cancel("job_1")

    assert shop.work.run(claim, is_wanted=lambda: False) is None

    assert shop.album.collection.reembedding is None
    assert np.array_equal(shop.vector(face_id), axis(0))


def test_a_change_that_fails_is_given_up(shop: Workshop) -> None:
    shop.enroll("zoe", "photo", axis(0))
    shop.pipeline.shown["photo"] = Shown(failure=RuntimeError("a fault of ours"))

    with pytest.raises(RuntimeError):
        shop.run()

    assert shop.album.collection.reembedding is None


def test_while_something_is_away_the_change_waits(shop: Workshop) -> None:
    shop.enroll("zoe", "photo", axis(0))
    shop.pipeline.shown["photo"] = Shown(failure=StoreUnavailable("gone for a while"))

    with pytest.raises(TurnOver):
        shop.run()

    assert shop.album.collection.reembedding
    assert shop.pauses == [2.0]


def test_two_jobs_do_not_change_one_model(shop: Workshop) -> None:
    shop.enroll("zoe", "photo", axis(0))
    shop.album.stores.reembedding.begin(UID, model=None, job_id="job_0")

    with pytest.raises(ReembeddingUnderWay):
        shop.run()

    under_way = shop.album.collection.reembedding
    assert under_way
    assert under_way.job_id == "job_0"


def test_faces_enrolled_meanwhile_are_embedded_too(shop: Workshop) -> None:
    shop.enroll("zoe", "photo", axis(0))
    late: list[str] = []

    def enroll_one_more() -> None:
        if not late:
            late.append(shop.enroll("yan", "late", axis(4)))

    shop.work = ReembedWork(
        shop.album.stores,
        ReembeddedPhotos(shop.pipeline, shop.images, shop.album.stores.persons),
        shop.jobs,
        Turns(seconds=1000, serve_interactive=enroll_one_more),
    )

    answer = shop.run()

    assert (answer.switched, answer.faces) == (True, 2)
    assert np.array_equal(shop.vector(late[0]), np.roll(axis(4), 1))
