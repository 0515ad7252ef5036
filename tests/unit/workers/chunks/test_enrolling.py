"""A chunk of an enrolment: each photo's end, and what a worker that is lost changes about it."""

import json
from collections.abc import Iterator
from typing import Any

import fakeredis
import pytest

from tests.contract.batches.world import world
from tests.unit.workers.chunks.chunk_worker import ENROLL, Worker
from workers.batches.records import BatchState, Item
from workers.batching import BatchPlan
from workers.blobs.store import MemoryBlobs
from workers.chunks.work import ChunkAnswer


@pytest.fixture
def worker() -> Iterator[Worker]:
    server = fakeredis.FakeServer(version=(7, 2))
    with fakeredis.FakeRedis(server=server, decode_responses=True) as client:
        plan = BatchPlan(jobs=8, pixels=1000)
        yield Worker(it=world(client), blobs=MemoryBlobs(), plan=plan)


def test_an_item_is_enrolled_as_its_person(worker: Worker) -> None:
    batch = worker.enrolment("fine")

    answer = worker.run(worker.it.taken(batch))

    assert answer == ChunkAnswer(ended=1, left=0)
    assert worker.it.final(batch).state is BatchState.SUCCEEDED
    [order] = worker.enroller.orders
    assert (order.collection, order.person, order.leaf) == (ENROLL.collection, "person-0", 40)
    assert (order.origin, order.place, order.digest) == (batch, "item 1", "fine")
    assert (order.face, order.by, order.credential_id) == ("largest", "ada", "key_1")
    assert order.alone
    [item] = worker.it.batches.items(batch).items
    assert found(item)["outcome"] == "added"
    assert (found(item)["person_id"], found(item)["face_id"]) == ("person-0", order.face_id)


def test_items_are_enrolled_together(worker: Worker) -> None:
    worker.run(worker.it.taken(worker.enrolment("a", "b", "c")))
    again = worker.enrolment("a", "b", "c")
    calls: list[int] = []
    worker.enroller.meanwhile = lambda: calls.append(len(worker.enroller.orders))
    work = worker.work()
    work.run(worker.it.taken(again), is_wanted=lambda: True)

    assert len(calls) < 3


def test_a_refused_photo_fails_and_says_what_was_found(worker: Worker) -> None:
    batch = worker.enrolment("fine", "alike", "nobody")

    worker.run(worker.it.taken(batch))

    assert worker.it.final(batch).state is BatchState.PARTIAL
    _, alike, nobody = worker.it.batches.items(batch).items
    assert alike.error is not None
    assert nobody.error is not None
    assert (alike.error.code, alike.error.message) == (
        "identity_similarity_conflict",
        "It was refused.",
    )
    assert found(alike)["similar_to"]["person_id"] == "ben"
    assert (nobody.error.code, nobody.error.retryable) == ("face_not_found", False)


def test_a_person_who_was_deleted_meanwhile_is_not_made_again(worker: Worker) -> None:
    batch = worker.enrolment("forgotten", "fine")

    worker.run(worker.it.taken(batch))

    first, second = worker.it.batches.items(batch).items
    assert first.error is not None
    assert first.error.code == "person_not_found"
    assert first.result_json is None
    assert second.error is None


@pytest.mark.parametrize("store", ["away", "locked"])
def test_a_store_that_is_away_is_no_photo_s_fault(worker: Worker, store: str) -> None:
    batch = worker.enrolment(store, "fine")

    worker.run(worker.it.taken(batch))

    assert worker.it.final(batch).state is BatchState.SUCCEEDED
    assert [item.tries for item in worker.it.batches.items(batch).items] == [1, 1]


def test_a_worker_lost_before_it_wrote_the_ends_leaves_no_duplicates(worker: Worker) -> None:
    batch = worker.enrolment("a", "b")
    claim = worker.it.taken(batch)

    def die() -> None:
        worker.it.lose()
        worker.enroller.meanwhile = bool

    worker.enroller.meanwhile = die
    assert worker.run(claim) is None
    faces = set(worker.enroller.added)
    assert faces

    again = worker.it.claim(claim.job.id)
    worker.run(again)

    assert worker.it.final(batch).state is BatchState.SUCCEEDED
    items = worker.it.batches.items(batch).items
    assert {found(item)["face_id"] for item in items} == worker.enroller.added
    assert faces <= worker.enroller.added
    assert len(worker.enroller.added) == 2


def test_photos_of_enrolled_faces_are_deleted_and_those_of_refused_ones_may_be_retried(
    worker: Worker,
) -> None:
    batch = worker.enrolment("fine", "nobody")
    work = worker.work()

    work.run(worker.it.taken(batch), is_wanted=lambda: True)
    work.close()

    refused = worker.it.batches.items(batch).items[1]
    assert list(worker.blobs.older_than(-1)) == [refused.blob_key]
    assert worker.it.batches.retry_failed(batch) == 1


def test_what_nobody_wants_any_more_is_not_enrolled(worker: Worker) -> None:
    batch = worker.enrolment("fine")
    claim = worker.it.taken(batch)
    answers = iter([True])

    worker.run(claim, is_wanted=lambda: next(answers, False))

    assert not worker.enroller.added
    assert worker.it.states(batch) == "p"


def found(item: Item) -> dict[str, Any]:
    assert item.result_json is not None
    made: dict[str, Any] = json.loads(item.result_json)
    return made
