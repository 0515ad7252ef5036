"""Whoever reads a result is told whom it names, by every way there is, until they are forgotten."""

import io
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any, NoReturn

import pytest
import redis
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from api.app import create_app
from api.services import Services
from api.told_results import collection_of
from tests.unit.api.test_live_desk import Worker
from tests.unit.api.test_metrics import samples
from workers.contract import AnalyzeOptions, IdentifyOptions, JobRoute
from workers.errors import StoreUnavailable
from workers.identities.records import Collection, NewCollection, NewPerson
from workers.identities.told_persons import sealed_person
from workers.identities.trace_records import AuditEvent
from workers.jobs.options import (
    CalibrateOptions,
    CompareOptions,
    EnrollOptions,
    SearchOptions,
    VerifyOptions,
    VideoOptions,
)
from workers.jobs.store import Claim, NewJob

NOTED = AuditEvent(action="person.created", by="local")
JOB = f"job_{7:032x}"
AT = f"/api/v1/jobs/{JOB}"
ANNA = {"id": "anna", "name": "Anna", "external_id": "", "metadata": {}}
FORGOTTEN = {**dict.fromkeys(ANNA), "id": "anna", "unreadable": "forgotten"}

Send = Callable[..., TestResponse]


@pytest.fixture
def people(parts: Services) -> Collection:
    """A collection of the caller's with one person."""
    made = NewCollection(uid=f"col_{7:032x}", id="friends", owner="local")
    collection = parts.identities.collections.create(made, most=9, audit=NOTED)
    parts.identities.persons.put(collection.uid, NewPerson(id="anna", name="Anna"), audit=NOTED)
    return collection


@pytest.fixture
def options(people: Collection) -> AnalyzeOptions:
    asked = IdentifyOptions(collection=people.uid)
    return AnalyzeOptions(analyses=("recognition",), identify=asked)


@pytest.fixture
def result(parts: Services, people: Collection) -> str:
    """A result that names Anna, as workers write it."""
    stores = parts.identities
    anna = stores.persons.get(people.uid, "anna")
    sealed = sealed_person(stores.seals, people.uid, anna).model_dump()
    return json.dumps({"faces": [{"identity": {"person": sealed}}]}, separators=(",", ":"))


@pytest.fixture
def job(parts: Services, options: AnalyzeOptions, result: str) -> str:
    """A job that has named Anna; its id."""
    route = JobRoute(queue="cpu.interactive", reason="no_gpu_device")
    parts.jobs.submit(NewJob(id=JOB, options=options, route=route, blob_keys=(), owner="local"))
    claim = parts.jobs.claim(JOB, claim_id="c")
    assert isinstance(claim, Claim)
    parts.jobs.succeed(claim, result)
    return JOB


@pytest.fixture
def send(photo: Callable[..., bytes]) -> Send:
    """Has a photo's faces named, and waits for it."""

    def _send(client: FlaskClient, **members: str) -> TestResponse:
        image = (io.BytesIO(photo()), "photo.jpg")
        return client.post("/api/v1/face/recognize?wait=5", data={**members, "image": image})

    return _send


def delete(parts: Services, people: Collection) -> None:
    parts.identities.persons.delete(people.uid, "anna", audit=NOTED)


def person_of(result: dict[str, Any]) -> dict[str, Any]:
    person: dict[str, Any] = result["faces"][0]["identity"]["person"]
    return person


@pytest.mark.usefixtures("job")
def test_a_job_names_a_person_until_they_are_deleted(
    client: FlaskClient, parts: Services, people: Collection
) -> None:
    before = client.get(AT)
    delete(parts, people)
    after = client.get(AT)

    assert person_of(before.get_json()["result"]) == ANNA
    assert person_of(after.get_json()["result"]) == FORGOTTEN


@pytest.mark.usefixtures("job")
def test_a_client_that_has_kept_the_job_learns_that_somebody_in_it_is_forgotten(
    client: FlaskClient, parts: Services, people: Collection
) -> None:
    tag = {"If-None-Match": client.get(AT).headers["ETag"]}

    same = client.get(AT, headers=tag)
    delete(parts, people)
    other = client.get(AT, headers=tag)

    assert (same.status_code, other.status_code) == (304, 200)
    assert person_of(other.get_json()["result"]) == FORGOTTEN


@pytest.mark.usefixtures("job")
def test_the_events_of_a_job_name_a_person_until_they_are_deleted(
    client: FlaskClient, parts: Services, people: Collection
) -> None:
    def told() -> dict[str, Any]:
        text = client.get(f"{AT}/events").get_data(as_text=True)
        [data] = [line for line in text.splitlines() if line.startswith("data: ")]
        found: dict[str, Any] = json.loads(data.removeprefix("data: "))["result"]
        return person_of(found)

    before = told()
    delete(parts, people)

    assert (before, told()) == (ANNA, FORGOTTEN)


@pytest.mark.usefixtures("job")
def test_a_repeated_request_is_answered_anew_and_nothing_of_an_answer_is_kept(
    client: FlaskClient, parts: Services, people: Collection
) -> None:
    key = {"Idempotency-Key": "once"}

    first = client.post(f"{AT}/cancel", headers=key)
    delete(parts, people)
    again = client.post(f"{AT}/cancel", headers=key)

    assert person_of(first.get_json()["result"]) == ANNA
    assert person_of(again.get_json()["result"]) == FORGOTTEN
    assert (again.status_code, again.headers["Idempotency-Replayed"]) == (200, "true")


class Away:
    """A ForgettingStore that answers nothing."""

    def doomed_among(self, *_: object) -> NoReturn:
        raise StoreUnavailable("gone")


def test_a_job_that_was_taken_is_told_to_be_although_its_result_can_t_be_told(
    parts: Services, people: Collection, result: str, send: Send
) -> None:
    away = replace(parts, identities=replace(parts.identities, forgetting=Away()))  # type: ignore[arg-type]  # of its methods one
    client = create_app(away).test_client()

    with Worker(away) as worker:
        worker.end = lambda claim: parts.jobs.succeed(claim, result)
        taken = send(client, database_id=people.id)

    assert (taken.status_code, taken.get_json()["result"]) == (202, None)
    refused = client.get(taken.headers["Location"])
    assert (refused.status_code, refused.get_json()["code"]) == (503, "store_unavailable")


def test_a_request_that_waits_is_told_whom_the_result_names(
    client: FlaskClient, parts: Services, people: Collection, result: str, send: Send
) -> None:
    with Worker(parts) as worker:
        worker.end = lambda claim: parts.jobs.succeed(claim, result)
        ended = send(client, database_id=people.id)

    assert (ended.status_code, person_of(ended.get_json()["result"])) == (200, ANNA)


@pytest.mark.usefixtures("job")
def test_keys_that_can_t_be_had_cost_the_names_and_are_counted(
    client: FlaskClient, people: Collection, fake_redis: redis.Redis
) -> None:
    # The store knows of keys that the vault hasn't: an old copy of them was put back.
    fake_redis.hset(f"fs:{{identities}}:collection:{people.uid}", "keys_version", 99)

    answer = client.get(AT)

    assert answer.status_code == 200
    assert person_of(answer.get_json()["result"]) == {
        **FORGOTTEN,
        "unreadable": "keys_unavailable",
    }
    assert samples(client)["result_persons_unreadable_total"] == {("keys_unavailable",): 1}


def test_every_kind_of_job_that_tells_of_people_says_by_which_collection() -> None:
    uid = f"col_{1:032x}"
    by = IdentifyOptions(collection=uid)
    of_people = (
        AnalyzeOptions(identify=by),
        VideoOptions(identify=by),
        EnrollOptions(collection=uid, person="anna"),
        VerifyOptions(collection=uid, person="anna"),
        SearchOptions(
            collection=uid, model="m", sha256="0", preprocessing_version="1", dimensions=2
        ),
        CalibrateOptions(collection=uid),
    )

    assert {collection_of(one) for one in of_people} == {uid}
    assert [collection_of(one) for one in (AnalyzeOptions(), VideoOptions(), CompareOptions())] == [
        ""
    ] * 3
