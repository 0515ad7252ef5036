"""Jobs about known people: enrolment, verification and searches by embedding."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import redis

from models.errors import InferenceFailed, ThresholdsMissing
from tests.unit.workers.identities.album import (
    MODEL,
    NOTED,
    OTHER_MODEL,
    PRESETS,
    UID,
    Shown,
    axis,
    like,
    liveness,
)
from tests.unit.workers.identities.enrolling import Bench
from workers.blobs.store import MemoryBlobs
from workers.contract import JobRoute
from workers.errors import BlobMissing, ImageRejected, NoFace, StoreUnavailable
from workers.identities.answers import EnrollmentAnswer, PersonVerificationAnswer, SearchAnswer
from workers.identities.enroll_work import EnrollWork
from workers.identities.errors import ContractMismatch, PersonNotFound
from workers.identities.identifier import Identifier
from workers.identities.search_work import SearchWork
from workers.identities.verify_work import VerifyWork
from workers.jobs.memory_store import MemoryJobs
from workers.jobs.options import EnrollOptions, JobOptions, SearchOptions, VerifyOptions
from workers.jobs.store import Claim, NewJob
from workers.settings.process import Settings
from workers.work import Work

ROUTE = JobRoute(queue="cpu.interactive", reason="no_gpu_device")


class Works(Bench):
    """The bench with jobs: a photo's file is the name of what it shows."""

    def __init__(self, client: redis.Redis, **settings: Any) -> None:  # noqa: ANN401 - members
        super().__init__(client, **settings)
        self.blobs = MemoryBlobs()
        stores, searcher = self.album.stores, self.album.searcher
        self.enrolling = EnrollWork(stores, self.enroller, self.blobs)
        self.verifying = VerifyWork(stores, self.pipeline, self.blobs, PRESETS)
        self.searching = SearchWork(Identifier(stores, searcher, PRESETS), self.blobs)

    def claim(self, options: JobOptions, files: Sequence[bytes]) -> Claim:
        """A job with these files."""
        jobs = MemoryJobs(Settings())
        keys = tuple(f"job_1.{number}" for number in range(len(files)))
        for key, content in zip(keys, files, strict=True):
            self.blobs.put(key, content)
        jobs.submit(NewJob(id="job_1", options=options, route=ROUTE, blob_keys=keys))
        claim = jobs.claim("job_1", claim_id="me")
        assert not isinstance(claim, str)
        return claim

    def run(
        self,
        work: Work,
        options: JobOptions,
        *files: bytes,
        is_wanted: Callable[[], bool] = lambda: True,
    ) -> Any:  # noqa: ANN401 - the work's answer
        """What the work answers."""
        return work.run(self.claim(options, files), is_wanted=is_wanted)


@pytest.fixture
def works(fake_redis: redis.Redis) -> Works:
    made = Works(fake_redis)
    made.album.person("zoe")
    return made


def _verify(**more: Any) -> VerifyOptions:  # noqa: ANN401 - members
    return VerifyOptions(collection=UID, person="zoe", by="ada", credential_id="key_1", **more)


def _enroll(**more: Any) -> EnrollOptions:  # noqa: ANN401 - members
    return EnrollOptions(collection=UID, person="zoe", by="ada", **more)


def test_an_enrolment_tells_of_each_photo_and_of_the_person_afterwards(works: Works) -> None:
    works.show(first=Shown(faces=[axis(0)]), nobody=Shown(), lost=Shown(failure=BlobMissing("x")))
    options = _enroll(names=("a.jpg", "b.jpg"), digests=("d" * 64,))

    answer = works.run(works.enrolling, options, b"first", b"nobody", b"lost")

    assert isinstance(answer, EnrollmentAnswer)
    assert (answer.collection, answer.person.id, answer.person_faces) == ("album", "zoe", 1)
    assert (answer.accepted, answer.refused, answer.version) == (1, 2, 1)
    assert [photo.filename for photo in answer.photos] == ["a.jpg", "b.jpg", ""]
    assert [photo.reasons for photo in answer.photos] == [(), ("face_not_found",), ("image_lost",)]
    assert (answer.model, answer.sha256) == (MODEL.id, MODEL.sha256)
    [face] = works.album.stores.persons.faces(UID, "zoe")
    assert (face.origin, face.source_sha256) == ("job_1", "d" * 64)


def test_an_enrolment_for_nobody_is_not_begun(works: Works) -> None:
    works.show(first=Shown(faces=[axis(0)]))
    works.album.stores.persons.delete(UID, "zoe", audit=NOTED)

    with pytest.raises(PersonNotFound):
        works.run(works.enrolling, _enroll(), b"first")
    assert works.pipeline.orders == []


def test_an_enrolment_whose_store_is_away_fails_as_a_whole(works: Works) -> None:
    works.show(first=Shown(faces=[axis(0)]), second=Shown(failure=StoreUnavailable()))

    with pytest.raises(StoreUnavailable):
        works.run(works.enrolling, _enroll(), b"first", b"second")


def test_an_enrolment_nobody_wants_any_more_ends_without_an_answer(works: Works) -> None:
    works.show(first=Shown(faces=[axis(0)]))

    assert works.run(works.enrolling, _enroll(), b"first", is_wanted=lambda: False) is None
    assert works.faces() == 0


def test_a_photo_of_the_person_is_a_match_by_the_most_similar_face(works: Works) -> None:
    _, nearest = works.album.add("zoe", axis(1), like(0, 0.9, beside=1))
    works.show(photo=Shown(faces=[axis(0)]))

    answer = works.run(works.verifying, _verify(), b"photo")

    assert isinstance(answer, PersonVerificationAnswer)
    assert (answer.is_match, answer.reasons, answer.face_id) == (True, (), nearest)
    assert answer.similarity == pytest.approx(0.9, abs=1e-3)
    assert (answer.threshold, answer.far, answer.source) == (0.3647, 1e-3, "preset")
    assert answer.compared == 2
    assert answer.expected_far == pytest.approx(2e-3)
    [event] = works.album.audited("verified")
    assert (event.by, event.credential_id, event.cause) == ("ada", "key_1", "job_1")
    assert (event.person_ids, event.detail) == (("zoe",), {"decision": "match"})


@pytest.mark.parametrize(
    ("asked", "threshold", "far", "is_match"),
    [
        ({"far": 1e-2}, 0.2982, 1e-2, True),
        ({}, 0.3647, 1e-3, False),
        ({"threshold": 0.33}, 0.33, None, True),
        ({"threshold": 0.36}, 0.36, None, False),
    ],
)
def test_the_rate_or_the_threshold_that_is_asked_for_decides(
    works: Works, asked: dict[str, float], threshold: float, far: float | None, *, is_match: bool
) -> None:
    works.album.add("zoe", axis(0))
    works.show(photo=Shown(faces=[like(0, 0.34)]))

    answer = works.run(works.verifying, _verify(**asked), b"photo")

    assert (answer.threshold, answer.far, answer.is_match) == (threshold, far, is_match)
    assert answer.reasons == (() if is_match else ("below_threshold",))


def test_a_rate_nobody_measured_is_refused(works: Works) -> None:
    works.album.add("zoe", axis(0))
    works.show(photo=Shown(faces=[axis(0)]))

    with pytest.raises(ThresholdsMissing):
        works.run(works.verifying, _verify(far=0.3), b"photo")


def test_a_face_that_is_not_live_is_no_match_and_is_not_compared(works: Works) -> None:
    works.album.add("zoe", axis(0))
    works.show(photo=Shown(faces=[axis(0)], liveness=liveness("spoof")))

    answer = works.run(works.verifying, _verify(require=("live",)), b"photo")

    assert (answer.is_match, answer.similarity, answer.compared) == (False, None, 0)
    assert answer.reasons == ("spoof_suspected",)
    assert works.album.audited("verified")[0].detail == {"decision": "no_match"}


def test_a_person_without_faces_is_nobodys_match(works: Works) -> None:
    works.show(photo=Shown(faces=[axis(0)]))

    answer = works.run(works.verifying, _verify(), b"photo")

    assert (answer.is_match, answer.similarity, answer.reasons) == (False, None, ("no_faces",))


def test_the_face_that_is_asked_for_is_verified(works: Works) -> None:
    works.album.add("zoe", axis(0))
    works.show(photo=Shown(faces=[axis(5), axis(6), axis(0)]))

    largest = works.run(works.verifying, _verify(), b"photo")
    middle = works.run(works.verifying, _verify(face="center"), b"photo")

    assert (largest.is_match, middle.is_match) == (False, True)
    assert middle.face.faces == 3


def test_a_person_who_is_deleted_while_the_photo_is_looked_at_is_not_verified(
    works: Works,
) -> None:
    works.album.add("zoe", axis(0))
    works.show(photo=Shown(faces=[axis(0)]))
    claim = works.claim(_verify(), [b"photo"])

    def is_wanted() -> bool:
        works.album.stores.persons.delete(UID, "zoe", audit=NOTED)
        return True

    with pytest.raises(PersonNotFound):
        works.verifying.run(claim, is_wanted=is_wanted)
    assert works.album.audited("verified") == []


@pytest.mark.parametrize(
    ("shown", "error"),
    [
        (Shown(), NoFace),
        (Shown(failure=ImageRejected("image_truncated", "cut")), ImageRejected),
        (Shown(failure=InferenceFailed("no")), InferenceFailed),
    ],
)
def test_a_photo_that_can_not_be_verified_fails_its_job(
    works: Works, shown: Shown, error: type[Exception]
) -> None:
    works.album.add("zoe", axis(0))
    works.show(photo=shown)

    with pytest.raises(error):
        works.run(works.verifying, _verify(), b"photo")


def test_another_models_face_is_not_compared(works: Works) -> None:
    works.album.add("zoe", axis(0))
    works.pipeline.model = OTHER_MODEL
    works.show(photo=Shown(faces=[axis(0)]))

    with pytest.raises(ContractMismatch):
        works.run(works.verifying, _verify(), b"photo")


def test_embeddings_are_named_in_their_order(works: Works) -> None:
    works.album.add("zoe", axis(0))
    sent = np.stack([axis(3), axis(0)]).astype("<f4").tobytes()
    options = SearchOptions(
        collection=UID,
        model=MODEL.id,
        sha256=MODEL.sha256,
        preprocessing_version=MODEL.preprocessing_version,
        dimensions=16,
        by="ada",
    )

    answer = works.run(works.searching, options, sent)

    assert isinstance(answer, SearchAnswer)
    assert [one.decision for one in answer.identities] == ["unknown", "match"]
    assert answer.identification.collection == "album"
    [event] = works.album.audited("identified")
    assert (event.cause, event.person_ids) == ("job_1", ("zoe",))


def test_embeddings_of_another_model_are_not_compared(works: Works) -> None:
    works.album.add("zoe", axis(0))
    options = SearchOptions(
        collection=UID,
        model="another",
        sha256=MODEL.sha256,
        preprocessing_version=MODEL.preprocessing_version,
        dimensions=16,
    )

    with pytest.raises(ContractMismatch):
        works.run(works.searching, options, axis(0).tobytes())
