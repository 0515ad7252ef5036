"""Enrolling many people over HTTP: who is made, what is stored, what is reported."""

import gzip
import io
from collections.abc import Callable, Mapping
from typing import Any

import pytest
import redis
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from api.services import Services
from tests.unit.api.batches.forged import honest_tar, honest_zip
from tests.unit.api.batches.told import blobs, counts, errors, upload
from tests.unit.api.enrollments.people_archive import LIST, list_first
from workers.batches.records import ChunkItem, Item
from workers.identities.records import Consent
from workers.settings.process import Settings

Tiny = Callable[[int], bytes]
Enroll = Callable[..., TestResponse]
Work = Callable[..., None]
TAR = "application/x-tar"


@pytest.mark.parametrize(
    ("kind", "pack"),
    [
        ("application/zip", honest_zip),
        (TAR, lambda files: honest_tar(list_first(files, "manifest.csv"))),
        (
            "application/gzip",
            lambda files: gzip.compress(honest_tar(list_first(files, "manifest.csv"))),
        ),
    ],
)
def test_an_archive_with_a_list_makes_its_people_and_a_batch(
    enroll: Enroll,
    client: FlaskClient,
    parts: Services,
    files: dict[str, bytes],
    kind: str,
    pack: Callable[[Mapping[str, bytes]], bytes],
) -> None:
    answer = enroll(pack(files), kind, query="face=largest&require=live&tags=staff")

    body = answer.get_json()
    assert answer.status_code == 202, body
    assert (counts(body), body["state"], body["tags"]) == ((3, 0), "running", ["staff"])
    assert body["options"]["kind"] == "enroll"
    assert body["options"]["collection_id"] == "friends"
    assert (body["options"]["face"], body["options"]["require"]) == ("largest", ["live"])
    assert "col_" not in answer.get_data(as_text=True)
    assert [(one.custom_id, one.subject) for one in items(parts, body)] == [
        ("a/1.jpg", "anna"),
        ("a/2.jpg", "anna"),
        ("ben.jpg", "ben"),
    ]
    uid = parts.batches.get(body["id"]).options.collection  # type: ignore[union-attr]  # it enrols
    anna = parts.identities.persons.get(uid, "anna")
    assert (anna.name, anna.external_id, anna.metadata) == ("Anna Secret", "crm-1", {"team": "red"})
    assert anna.consent == Consent(given_ms=1_767_312_000_000, purpose="door")
    persons = client.get("/api/v1/collections/friends/persons").get_json()["items"]
    assert [one["id"] for one in persons] == ["anna", "ben"]
    # Nothing is left of what was put aside to be read.
    assert {key.partition(".")[0] for key in blobs(parts)} == {body["id"]}


def test_a_photo_is_sent_for_this_very_person_of_that_id(
    enroll: Enroll,
    client: FlaskClient,
    collection: str,
    parts: Services,
    tiny: Tiny,
    taken: Callable[[], list[ChunkItem]],
) -> None:
    client.post(f"{collection}/persons", json={"id": "ben"})

    # Somebody who is there, and somebody who is made.
    for number, folder in enumerate(("ben", "Anna")):
        body = enroll(honest_zip({f"{folder}/1.jpg": tiny(number)})).get_json()
        [item] = taken()
        uid = parts.batches.get(body["id"]).options.collection  # type: ignore[union-attr]  # it enrols
        assert item.leaf == parts.identities.persons.get(uid, folder).leaf


def test_names_are_in_no_key_of_batches(
    enroll: Enroll, files: dict[str, bytes], fake_redis: redis.Redis
) -> None:
    assert enroll(honest_zip(files)).status_code == 202

    dumps = [fake_redis.dump(key) or b"" for key in fake_redis.scan_iter("*")]
    assert any(b"anna" in bytes(dump) for dump in dumps)
    assert not any(b"Secret" in bytes(dump) for dump in dumps)


def test_a_form_has_its_list_first(
    client: FlaskClient, collection: str, files: dict[str, bytes]
) -> None:
    sent = [
        (io.BytesIO(content), name) for name, content in list_first(files, "manifest.csv").items()
    ]

    answer = client.post(f"{collection}/enrollments", data={"people": "manifest", "files": sent})

    assert counts(answer.get_json()) == (3, 0)


def test_folders_make_people_and_leave_those_who_are_there_as_they_are(
    enroll: Enroll, client: FlaskClient, collection: str, tiny: Tiny
) -> None:
    client.post(f"{collection}/persons", json={"id": "Anna", "name": "Anna since married"})
    archive = honest_zip({"all/Anna/1.jpg": tiny(1), "all/Ben B/1.jpg": tiny(2)})

    body = enroll(archive).get_json()

    assert counts(body) == (2, 0)
    persons = client.get(f"{collection}/persons").get_json()["items"]
    assert [one["name"] for one in persons] == ["Anna since married", "Ben B"]


def test_people_who_are_there_with_other_data_are_not_enrolled(
    enroll: Enroll, client: FlaskClient, collection: str, files: dict[str, bytes]
) -> None:
    client.post(f"{collection}/persons", json={"id": "anna", "name": "Hannah"})
    client.post(f"{collection}/persons", json={"id": "carl", "external_id": "crm-2"})
    lines = LIST.replace("ben,Ben,", "ben,Ben,crm-2")

    body = enroll(honest_zip({**files, "manifest.csv": lines.encode()})).get_json()

    assert errors(client, body) == {
        "a/1.jpg": "person_exists",
        "a/2.jpg": "person_exists",
        "ben.jpg": "external_id_taken",
    }
    report = client.get(body["links"]["report"]).get_json()
    assert report["persons"] == {"named": 1, "made": 0, "enrolled": 0, "without_face": 1}


def test_a_request_sent_again_makes_nothing_twice_and_counts_the_same(
    enroll: Enroll, client: FlaskClient, work: Work, files: dict[str, bytes]
) -> None:
    archive = honest_tar(list_first(files, "manifest.csv"))
    cut = enroll(_cut(archive), TAR, key="k").get_json()
    assert cut["code"] == "archive_truncated"
    assert 0 < cut["batch"]["counts"]["total"] < 3

    whole = enroll(archive, TAR, key="k")
    again = enroll(archive, TAR, key="k")

    assert whole.status_code == again.status_code == 202
    assert "Idempotency-Replayed" not in whole.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert whole.get_json()["id"] == again.get_json()["id"] == cut["batch"]["id"]
    work()
    report = client.get(whole.get_json()["links"]["report"]).get_json()
    assert report["persons"] == {"named": 2, "made": 2, "enrolled": 2, "without_face": 0}
    assert report["photos"]["enrolled"] == 3
    assert len(client.get("/api/v1/collections/friends/persons").get_json()["items"]) == 2


def test_a_request_that_was_done_makes_nobody_again(
    enroll: Enroll, client: FlaskClient, collection: str, files: dict[str, bytes]
) -> None:
    enroll(honest_zip(files), key="k")
    assert client.delete(f"{collection}/persons/anna").status_code == 200

    again = enroll(honest_zip(files), key="k")

    assert again.headers["Idempotency-Replayed"] == "true"
    assert client.get(f"{collection}/persons/anna").status_code == 404


@pytest.mark.parametrize("other", ["name", "photo", "option"])
def test_the_same_key_for_another_enrolment_is_refused(
    enroll: Enroll, tiny: Tiny, files: dict[str, bytes], other: str
) -> None:
    enroll(honest_zip(files), key="k")
    query = "face=largest" if other == "option" else ""
    if other == "name":
        files["manifest.csv"] = LIST.replace("Secret", "Public").encode()
    if other == "photo":
        files["ben.jpg"] = tiny(77)

    answer = enroll(honest_zip(files), key="k", query=query)

    assert (answer.status_code, answer.get_json()["code"]) == (409, "idempotency_conflict")


@pytest.mark.parametrize(
    ("manifest", "code", "status"),
    [
        (b"file,person_id,file\n", "invalid_manifest", 422),
        (
            b"file,person_id\n" + b"".join(b"%d.jpg,a\n" % n for n in range(51)),
            "batch_too_large",
            413,
        ),
    ],
)
def test_a_list_that_can_t_be_taken_leaves_nothing(
    enroll: Enroll,
    client: FlaskClient,
    parts: Services,
    files: dict[str, bytes],
    manifest: bytes,
    code: str,
    status: int,
) -> None:
    answer = enroll(honest_zip({**files, "manifest.csv": manifest}))

    assert (answer.status_code, answer.get_json()["code"]) == (status, code)
    assert not client.get("/api/v1/collections/friends/persons").get_json()["items"]
    assert not client.get("/api/v1/batch/list").get_json()["items"]
    assert not blobs(parts)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("face=all", "validation_error"),
        ("require=rich", "validation_error"),
        ("people=manifest", "manifest_missing"),
        ("keep_photos=true", "unknown_option"),
        ("tags=a%20b", "validation_error"),
    ],
)
def test_wrong_options_are_refused(enroll: Enroll, tiny: Tiny, query: str, code: str) -> None:
    answer = enroll(honest_zip({"Anna/1.jpg": tiny(1)}), query=query)

    assert (answer.status_code, answer.get_json()["code"]) == (422, code)


@pytest.mark.parametrize(
    "settings", [Settings(auth="off", disabled_analyses=("anti_spoofing",))], ids=["switched_off"]
)
def test_what_takes_an_analysis_that_is_switched_off_is_refused_at_once(
    enroll: Enroll, client: FlaskClient, parts: Services, files: dict[str, bytes]
) -> None:
    answer = enroll(honest_zip(files), query="require=live")

    assert (answer.status_code, answer.get_json()["code"]) == (403, "analysis_disabled")
    assert not client.get("/api/v1/collections/friends/persons").get_json()["items"]
    assert not blobs(parts)
    assert enroll(honest_zip(files), query="require=authentic").status_code == 202


def test_an_archive_that_was_uploaded_before_is_enrolled_and_deleted(
    client: FlaskClient, collection: str, parts: Services, files: dict[str, bytes]
) -> None:
    body = {"upload": upload(client, honest_zip(files)), "people": "manifest"}

    answer = client.post(f"{collection}/enrollments", json=body)

    assert counts(answer.get_json()) == (3, 0)
    assert {key.partition(".")[0] for key in blobs(parts)} == {answer.get_json()["id"]}


@pytest.mark.parametrize("body", [{}, {"face": "only"}])
def test_a_json_body_names_an_upload(
    client: FlaskClient, collection: str, body: dict[str, str]
) -> None:
    answer = client.post(f"{collection}/enrollments", json=body)

    assert (answer.status_code, answer.get_json()["code"]) == (400, "missing_field")


def test_an_enrolment_takes_nothing_by_the_address_of_batches(
    enroll: Enroll, client: FlaskClient, tiny: Tiny, files: dict[str, bytes]
) -> None:
    archive = honest_tar(list_first(files, "manifest.csv"))
    cut = enroll(_cut(archive), TAR, key="k").get_json()["batch"]
    assert cut["links"]["items"] is None

    answer = client.post(
        f"/api/v1/batch/{cut['id']}/items",
        data=honest_tar({"x.jpg": tiny(8)}),
        content_type=TAR,
    )

    assert (answer.status_code, answer.get_json()["code"]) == (409, "batch_closed")


def items(parts: Services, body: Mapping[str, Any]) -> list[Item]:
    return [*parts.batches.items(body["id"], limit=100).items]


def _cut(archive: bytes) -> bytes:
    """An archive that ends in its last photo."""
    return archive[: archive.rindex(b"ben.jpg") + 600]
