"""What a certificate says of results: for how long they have an id, and old ones a name."""

import dataclasses
import time
from collections.abc import Sequence
from typing import cast

import pytest
import redis
from flask.testing import FlaskClient

from api.app import create_app
from api.identities.naming_batches import ResultsLeft, naming_batches, results_left
from api.services import Services
from tests.unit.api.identities.album import API
from workers.batches.records import Batch, BatchOptions, BatchPage, BatchPlace, NewBatch
from workers.batches.store import BatchStore
from workers.contract import AnalyzeOptions, IdentifyOptions
from workers.identities.forgetting import Forgetting
from workers.identities.trace_records import Certificate
from workers.jobs.options import EnrollOptions

#: Of tests' certificates and batches, milliseconds.
DELETED, EXPIRE = 1_000_000, 2_000_000
YEAR_3000_MS = 32_503_680_000_000


class Batches:
    """The list of a BatchStore, a batch on each page."""

    def __init__(self, batches: Sequence[Batch]) -> None:
        self._batches = batches

    def list(self, owner: str, *, limit: int, after: BatchPlace | None = None) -> BatchPage:
        del limit
        mine = [batch for batch in self._batches if batch.owner == owner]
        place = after.created_ms if after else 0
        following = BatchPlace(created_ms=place + 1, id="") if place + 1 < len(mine) else None
        return BatchPage(batches=mine[place : place + 1], after=following)


@pytest.fixture(autouse=True)
def _album(client: FlaskClient) -> None:
    client.post(API, json={"id": "album"})
    client.post(f"{API}/album/persons", json={"id": "anna"})


@pytest.fixture
def batches(parts: Services, uid: str) -> list[Batch]:
    """One that names nobody, one that names, one that enrols, and one of another collection."""
    asked: tuple[BatchOptions, ...] = (
        AnalyzeOptions(analyses=("detection",)),
        AnalyzeOptions(analyses=("recognition",), identify=IdentifyOptions(collection=uid)),
        EnrollOptions(collection=uid, person=""),
        EnrollOptions(collection="col_" + "f" * 32, person=""),
    )
    made = [
        parts.batches.create(
            NewBatch(id=f"batch_{number:032x}", options=options, owner="local")
        ).batch
        for number, options in enumerate(asked)
    ]
    return [dataclasses.replace(batch, created_ms=DELETED - 1) for batch in made]


@pytest.fixture
def certificate(parts: Services, client: FlaskClient) -> Certificate:
    told = client.delete(f"{API}/album/persons/anna").get_json()
    found = parts.identities.forgetting.certificate("local", told["id"])
    return dataclasses.replace(found, deleted_ms=DELETED, results_expire_ms=EXPIRE)


def expire_ms(certificate: Certificate, *batches: Batch) -> int:
    return results_left(certificate, batches, ttl_seconds=60).expire_ms


def with_batches(parts: Services, batches: Sequence[Batch]) -> Services:
    return dataclasses.replace(parts, batches=cast("BatchStore", Batches(batches)))


@pytest.mark.parametrize("which", [1, 2])
def test_results_of_a_batch_that_began_before_count_until_it_expires(
    certificate: Certificate, batches: list[Batch], which: int
) -> None:
    ended = dataclasses.replace(batches[which], expires_ms=EXPIRE + 5)
    sooner = dataclasses.replace(batches[which], expires_ms=EXPIRE - 5)
    later = dataclasses.replace(ended, created_ms=DELETED + 1)

    assert expire_ms(certificate, sooner, ended) == EXPIRE + 5
    assert expire_ms(certificate, sooner, later) == EXPIRE


def test_of_a_batch_that_has_not_ended_nobody_knows_and_so_it_is_not_over(
    certificate: Certificate, batches: list[Batch]
) -> None:
    before = time.time_ns() // 1_000_000

    assert expire_ms(certificate, batches[1]) >= before + 60_000


def test_batches_that_name_nobody_of_the_collection_don_t_count(
    parts: Services, certificate: Certificate, batches: list[Batch]
) -> None:
    naming = naming_batches(with_batches(parts, batches), "local")

    assert naming == batches[1:]
    assert expire_ms(certificate, *naming[2:]) == EXPIRE
    assert naming_batches(with_batches(parts, batches), "bob") == []


def test_the_answers_tell_of_it(parts: Services, batches: list[Batch]) -> None:
    ended = dataclasses.replace(batches[1], expires_ms=YEAR_3000_MS)
    client = create_app(with_batches(parts, [ended])).test_client()

    told = client.delete(f"{API}/album/persons/anna").get_json()

    assert told["results_expire_at"].startswith("3000-01-01")
    assert client.get(told["links"]["self"]).get_json() == told
    assert client.get("/api/v1/deletions").get_json()["items"] == [told]
    whole = client.delete(f"{API}/album").get_json()
    assert whole["results_expire_at"].startswith("3000-01-01")


def test_a_certificate_waits_for_no_result_in_which_the_name_is_sealed(
    parts: Services, certificate: Certificate, batches: list[Batch]
) -> None:
    told = client_of(parts).get(f"/api/v1/deletions/{certificate.id}").get_json()
    forget(parts)

    done = client_of(parts).get(f"/api/v1/deletions/{certificate.id}").get_json()

    assert results_left(certificate, batches, ttl_seconds=60).named_until_ms is None
    assert (told["results_named_until"], told["complete"]) == (None, False)
    assert (done["results_named_until"], done["complete"]) == (None, True)
    assert done["results_expire_at"] > done["deleted_at"]


def test_results_of_before_names_were_sealed_keep_it_open_until_they_expire(
    certificate: Certificate, batches: list[Batch]
) -> None:
    """Names are sealed since shortly before the deletion."""
    kept_ms, since_ms = EXPIRE - DELETED, DELETED - 10
    mixed = dataclasses.replace(certificate, results_sealed_ms=since_ms)
    old = dataclasses.replace(batches[1], created_ms=since_ms, expires_ms=EXPIRE + 7)
    new = dataclasses.replace(old, created_ms=since_ms + 1)

    assert results_left(mixed, [new], ttl_seconds=60) == ResultsLeft(
        expire_ms=EXPIRE + 7, named_until_ms=since_ms + kept_ms
    )
    assert results_left(mixed, [old], ttl_seconds=60).named_until_ms == EXPIRE + 7


def test_a_certificate_of_before_names_were_sealed_waits_for_all_results_of_then(
    certificate: Certificate, batches: list[Batch]
) -> None:
    older = dataclasses.replace(certificate, results_sealed_ms=None)
    ended = dataclasses.replace(batches[2], expires_ms=EXPIRE + 5)

    assert results_left(older, [], ttl_seconds=60).named_until_ms == EXPIRE
    assert results_left(older, [ended], ttl_seconds=60).named_until_ms == EXPIRE + 5


def test_the_first_deletion_of_a_collection_that_is_older_notes_since_when_names_are_sealed(
    parts: Services, client: FlaskClient, fake_redis: redis.Redis, uid: str
) -> None:
    fake_redis.hdel(f"fs:{{identities}}:collection:{uid}", "results_sealed_ms")
    client.post(f"{API}/album/persons", json={"id": "bert"})

    first = client.delete(f"{API}/album/persons/anna").get_json()
    second = client.delete(f"{API}/album/persons/bert").get_json()
    forget(parts)

    told = [client.get(one["links"]["self"]).get_json() for one in (first, second)]
    assert first["results_named_until"] == first["results_expire_at"]
    assert [one["results_named_until"] for one in told] == [first["results_named_until"]] * 2
    assert [one["complete"] for one in told] == [False, False]


def client_of(parts: Services) -> FlaskClient:
    return create_app(parts).test_client()


def forget(parts: Services) -> None:
    """A round of what workers do after deletions; none of them holds an index."""
    Forgetting(parts.identities, parts.identity_blobs).round()
