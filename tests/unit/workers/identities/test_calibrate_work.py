"""Calibration as a job: measured, kept with the collection, noted; or nothing of it at all."""

import dataclasses

import fakeredis
import numpy as np
import pytest

from models.evaluation.all_pairs import RATES
from tests.contract.identities.gallery import CONTRACT, Gallery, event, face, gallery
from workers.contract import JobRoute, JobState
from workers.identities.calibrate_work import CalibrateWork
from workers.identities.embeddings import STORED
from workers.identities.errors import CollectionNotFound
from workers.identities.index.searcher import LocalSearcher
from workers.identities.thresholds import collection_thresholds
from workers.jobs.options import CalibrateOptions
from workers.jobs.store import Claim, Job

#: More dimensions than the gallery's, so that people differ.
WIDE = dataclasses.replace(CONTRACT, dimensions=32)


@pytest.fixture
def it() -> Gallery:
    return gallery(fakeredis.FakeRedis(server=fakeredis.FakeServer(version=(7, 2))))


def enrol(it: Gallery, uid: str, *, persons: int, faces: int) -> None:
    rng = np.random.default_rng(4)
    for number in range(persons):
        it.person(uid, f"p{number}")
        middle = rng.normal(size=32)
        new = []
        for place in range(faces):
            row = middle + 0.4 * rng.normal(size=32)
            vector = (row / np.linalg.norm(row)).astype(STORED).tobytes()
            new.append(dataclasses.replace(face(f"{number} {place}"), vector=vector))
        it.stores.persons.add_faces(
            uid, f"p{number}", new, contract=WIDE, audit=event("faces.enrolled")
        )


def work(it: Gallery) -> CalibrateWork:
    stores = it.stores
    searcher = LocalSearcher(
        stores.log, stores.persons, index_mb=64, exact_faces=50_000, process="test:1"
    )
    return CalibrateWork(stores, searcher, clock=lambda: 12.5)


def claim(uid: str) -> Claim:
    job = Job(
        id="job_" + "1" * 32,
        state=JobState.RUNNING,
        options=CalibrateOptions(collection=uid, by="ada", credential_id="key 1"),
        route=JobRoute(queue="cpu.bulk", reason="cpu"),
        blob_keys=(),
        version=1,
        attempt=1,
        created_ms=0,
        started_ms=None,
        finished_ms=None,
        result_json=None,
        error=None,
    )
    return Claim(job=job, fence=1)


def test_what_is_measured_is_told_kept_and_noted(it: Gallery) -> None:
    uid = it.collection().uid
    enrol(it, uid, persons=60, faces=3)

    answer = work(it).run(claim(uid), is_wanted=lambda: True)

    assert answer is not None
    kept = it.stores.collections.by_uid(uid).calibration
    assert kept is not None
    assert (kept.persons, kept.genuine_pairs, kept.impostor_pairs) == (60, 180, 15_930)
    assert (kept.measured_ms, kept.contract) == (12_500, WIDE)
    assert [(point.far, point.similarity) for point in answer.points] == [
        (point.far, point.similarity) for point in kept.points
    ]
    assert [(one.fpir, one.similarity) for one in answer.searches] == [
        (one.fpir, one.similarity) for one in kept.searches
    ]
    assert len(kept.points) >= 3
    assert [one.fpir for one in kept.searches] == [0.2, 0.1]
    assert {far for far, _ in kept.unsupported} == {1e-4, 1e-5}
    assert answer.scores is not None
    assert (sum(answer.scores.genuine), sum(answer.scores.impostor)) == (180, 15_930)
    noted = it.stores.forgetting.audited(uid, limit=1).items[0].event
    assert (noted.action, noted.by, noted.credential_id) == (
        "collection.calibrated",
        "ada",
        "key 1",
    )
    assert noted.cause == claim(uid).job.id


def test_the_collection_decides_by_it_as_soon_as_its_settings_say_so(it: Gallery) -> None:
    collection = it.collection()
    uid = collection.uid
    enrol(it, uid, persons=60, faces=3)
    work(it).run(claim(uid), is_wanted=lambda: True)
    policy = dataclasses.replace(
        collection.settings.thresholds, source="calibrated", far=1e-2, fpir=0.1
    )
    settings = dataclasses.replace(collection.settings, thresholds=policy)
    it.stores.collections.change(uid, settings, revision=None, audit=event("collection.changed"))

    decided = it.stores.collections.by_uid(uid)
    rules = collection_thresholds(decided, WIDE, {})

    assert decided.calibration is not None
    assert rules.verify().threshold == decided.calibration.points[0].similarity
    found = rules.identify(faces=decided.faces)
    assert found.fpir_supported is True
    assert found.threshold == decided.calibration.searches[1].similarity


def test_a_collection_without_faces_supports_no_rate_and_keeps_nothing(it: Gallery) -> None:
    uid = it.collection().uid

    answer = work(it).run(claim(uid), is_wanted=lambda: True)

    assert answer is not None
    assert [(one.far, one.reason) for one in answer.unsupported] == [
        (far, "The collection has no faces.") for far in RATES
    ]
    assert (answer.points, answer.searches, answer.scores, answer.model) == ((), (), None, None)
    assert it.stores.collections.by_uid(uid).calibration is None


def test_a_job_that_nobody_wants_any_more_keeps_nothing(it: Gallery) -> None:
    uid = it.collection().uid
    enrol(it, uid, persons=40, faces=1)
    asked = iter([True, True, False])

    assert work(it).run(claim(uid), is_wanted=lambda: next(asked, False)) is None

    assert it.stores.collections.by_uid(uid).calibration is None


def test_a_collection_that_was_deleted_is_not_measured(it: Gallery) -> None:
    uid = it.collection().uid
    enrol(it, uid, persons=2, faces=1)
    it.stores.collections.delete(uid, audit=event("collection.deleted"))

    with pytest.raises(CollectionNotFound):
        work(it).run(claim(uid), is_wanted=lambda: True)


def test_no_answer_holds_a_person_or_a_face(it: Gallery) -> None:
    uid = it.collection().uid
    enrol(it, uid, persons=40, faces=2)

    answer = work(it).run(claim(uid), is_wanted=lambda: True)

    assert answer is not None
    text = answer.model_dump_json()
    assert "face_" not in text
    assert '"p1"' not in text
