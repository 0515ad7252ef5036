"""Calibration and a change of model: jobs without photos."""

import pytest
from flask.testing import FlaskClient

from api.services import Services
from tests.unit.api.identities.album import API, contract, direction, imported
from workers.contract import JobState
from workers.identities.records import Calibration, EmbeddingContract
from workers.identities.trace_records import AuditEvent
from workers.jobs.options import CalibrateOptions, ReembedOptions


@pytest.fixture(autouse=True)
def _album(client: FlaskClient) -> None:
    client.post(API, json={"id": "album"})


def test_calibration_is_a_job_without_a_photo(
    client: FlaskClient, parts: Services, uid: str
) -> None:
    answer = client.post(f"{API}/album/calibrate", json={"tags": ["night"]})

    assert answer.status_code == 202
    job = parts.jobs.get(answer.get_json()["id"])
    assert job.options == CalibrateOptions(collection=uid, collection_id="album", by="local")
    assert (job.blob_keys, job.tags) == ((), ("night",))
    key = {"Idempotency-Key": "one"}
    told = [client.post(f"{API}/album/calibrate", headers=key).get_json() for _ in range(2)]
    assert told[0]["id"] == told[1]["id"]


def test_a_calibrated_collection_tells_what_was_measured_and_decides_by_it(
    client: FlaskClient, parts: Services, uid: str
) -> None:
    own = contract()
    head = {"kind": "collection", "contract": own}
    imported(client, [head, {"person_id": "anna", "embedding": direction(1)}])
    measured = Calibration(
        points=(),
        unsupported=((1e-5, "too few pairs"),),
        genuine_pairs=10,
        impostor_pairs=100,
        persons=5,
        measured_ms=0,
        at_version=3,
        contract=EmbeddingContract(**own),
    )
    parts.identities.collections.calibrated(
        uid, measured, audit=AuditEvent(action="collection.calibrated", by="local")
    )

    told = client.get(f"{API}/album").get_json()["calibration"]

    assert told["unsupported"] == [{"far": 1e-5, "reason": "too few pairs"}]
    assert (told["contract"]["model"], told["measured_at"][:4]) == ("sface", "1970")
    changed = client.patch(f"{API}/album", json={"thresholds": {"source": "calibrated"}})
    assert changed.get_json()["thresholds"]["source"] == "calibrated"


def test_a_change_of_model_is_one_at_a_time_and_can_be_given_up(
    client: FlaskClient, parts: Services, uid: str
) -> None:
    address, key = f"{API}/album/model", {"Idempotency-Key": "one"}
    answer = client.post(address, json={"model": "edgeface_xs"}, headers=key)
    job_id = answer.get_json()["id"]
    options = parts.jobs.get(job_id).options
    assert isinstance(options, ReembedOptions)
    assert (options.collection, options.model) == (uid, "edgeface_xs")
    parts.identities.reembedding.begin(uid, model="edgeface_xs", job_id=job_id)

    other = client.post(address, json={})
    same = client.post(address, json={"model": "edgeface_xs"}, headers=key)
    told = client.get(f"{API}/album").get_json()["reembedding"]

    assert (other.status_code, other.get_json()["code"]) == (409, "reembedding_under_way")
    assert same.get_json()["id"] == job_id
    assert (told["job_id"], told["model"], told["done"]) == (job_id, "edgeface_xs", 0)
    kept = client.delete(address)
    assert kept.get_json()["reembedding"] is None
    assert parts.jobs.get(job_id).state is JobState.CANCELLED
    assert client.delete(address).status_code == 200


def test_a_model_nobody_knows_is_refused(client: FlaskClient) -> None:
    answer = client.post(f"{API}/album/model", json={"model": "yunet"})

    assert (answer.status_code, answer.get_json()["code"]) == (422, "unknown_model")


def test_a_full_queue_takes_no_such_job(client: FlaskClient, parts: Services) -> None:
    for _ in range(parts.settings.max_waiting_jobs):
        assert client.post(f"{API}/album/calibrate").status_code == 202

    answer = client.post(f"{API}/album/calibrate")

    assert (answer.status_code, answer.get_json()["code"]) == (503, "queue_full")
