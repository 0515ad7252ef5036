"""Persons and their faces over HTTP."""

import io
import json
import struct
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import cast

import pytest
from flask.testing import FlaskClient

from api.app import create_app
from api.services import Services
from tests.unit.api.identities.album import API, contract, direction, exported, imported
from workers.identities.kept_images import KeptImages
from workers.identities.records import EmbeddingContract, FaceVector, NewFace
from workers.identities.store import PersonStore
from workers.identities.trace_records import AuditEvent

PERSONS = f"{API}/album/persons"


@pytest.fixture(autouse=True)
def _album(client: FlaskClient) -> None:
    client.post(API, json={"id": "album"})


def test_a_person_is_made_as_described(client: FlaskClient) -> None:
    sent = {
        "id": "anna",
        "name": "Anna",
        "external_id": "crm/7",
        "metadata": {"age": 30, "vip": True, "height": 1.7, "note": None},
        "consent": {"given_at": "2026-01-02T03:04:05Z", "purpose": "door"},
    }

    answer = client.post(PERSONS, json=sent)

    assert answer.status_code == 201
    assert answer.headers["Location"] == f"{PERSONS}/anna"
    made = answer.get_json()
    assert made["metadata"] == sent["metadata"]
    assert made["consent"]["given_at"] == "2026-01-02T03:04:05.000+00:00"
    assert (made["faces"], made["enrolled_at"]) == (0, None)
    assert client.get(f"{PERSONS}/anna").get_json() == made
    assert client.post(PERSONS, json=sent).status_code == 200
    other = client.post(PERSONS, json={"id": "anna", "name": "Another"})
    assert (other.status_code, other.get_json()["code"]) == (409, "person_exists")


def test_a_person_is_found_by_the_client_s_own_key(client: FlaskClient) -> None:
    client.post(PERSONS, json={"id": "anna", "external_id": "crm/7"})

    found = client.get(PERSONS, query_string={"external_id": "crm/7"}).get_json()

    assert [one["id"] for one in found["items"]] == ["anna"]
    assert client.get(PERSONS, query_string={"external_id": "8"}).get_json()["items"] == []
    taken = client.post(PERSONS, json={"id": "bert", "external_id": "crm/7"})
    assert (taken.status_code, taken.get_json()["code"]) == (409, "external_id_taken")


def test_what_is_not_sent_of_a_change_stays_and_null_takes_away(client: FlaskClient) -> None:
    consent = {"given_at": "2026-01-02T03:04:05Z", "purpose": "door"}
    client.post(PERSONS, json={"id": "anna", "name": "Anna", "consent": consent})

    renamed = client.patch(f"{PERSONS}/anna", json={"name": "Ann"}).get_json()
    withdrawn = client.patch(f"{PERSONS}/anna", json={"consent": None, "metadata": {"a": 1}})

    assert (renamed["name"], renamed["consent"]["purpose"]) == ("Ann", "door")
    assert withdrawn.get_json()["consent"] is None
    assert withdrawn.get_json()["name"] == "Ann"
    assert withdrawn.get_json()["metadata"] == {"a": 1}
    late = client.patch(f"{PERSONS}/anna", json={"name": "A"}, headers={"If-Match": '"r1"'})
    assert (late.status_code, late.get_json()["code"]) == (412, "revision_mismatch")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"id": "a/b"}, "id"),
        ({"metadata": {"a": [1]}}, None),
        ({"metadata": {"": 1}}, None),
        ({"metadata": {"a": 2**60}}, None),
        ({"metadata": {"a": 2**53 + 1}}, None),
        ({"consent": {"purpose": "door"}}, "consent.given_at"),
        ({"consent": {"given_at": "2026-01-02T03:04:05", "purpose": "x"}}, "consent.given_at"),
        ({"consent": {"given_at": "1900-01-01T00:00:00Z", "purpose": "x"}}, "consent.given_at"),
        (
            {"consent": {"given_at": "9999-12-31T23:00:00-23:59", "purpose": "x"}},
            "consent.given_at",
        ),
        ({"consent": {"given_at": "9000-01-01T00:00:00Z", "purpose": "x"}}, "consent.given_at"),
        (
            {
                "consent": {
                    "given_at": "2026-01-02T00:00:00Z",
                    "purpose": "x",
                    "expires_at": "2026-01-01T00:00:00Z",
                }
            },
            "consent.expires_at",
        ),
    ],
)
def test_what_means_nothing_is_refused(
    client: FlaskClient, body: dict[str, object], field: str | None
) -> None:
    answer = client.post(PERSONS, json=body)

    assert (answer.status_code, answer.get_json()["code"]) == (422, "validation_error")
    assert field is None or answer.get_json()["field"] == field


def test_faces_are_listed_read_and_forgotten(client: FlaskClient) -> None:
    own = contract()
    del own["dimensions"]
    imported(client, [{"person_id": "anna", "embedding": direction(1), **own}])

    [face] = client.get(f"{PERSONS}/anna/faces").get_json()["items"]

    assert (face["person_id"], face["origin"], face["has_image"]) == ("anna", "import", False)
    address = f"{API}/album/faces/{face['id']}"
    assert client.get(address).get_json() == face
    assert client.get(f"{PERSONS}/anna").get_json()["faces"] == 1
    assert client.delete(address).status_code == 204
    assert client.delete(address).get_json()["code"] == "enrolled_face_not_found"
    assert client.get(f"{PERSONS}/anna/faces").get_json()["items"] == []


def test_a_merged_person_s_faces_are_the_other_s_from_then_on(client: FlaskClient) -> None:
    own = contract()
    del own["dimensions"]
    for number, name in enumerate(("anna", "ann")):
        imported(client, [{"person_id": name, "embedding": direction(number), **own}])

    merged = client.post(f"{PERSONS}/anna/merge", json={"person_id": "ann"})

    assert merged.get_json()["faces"] == 2
    assert client.get(f"{PERSONS}/ann").get_json()["code"] == "person_not_found"
    assert client.post(f"{PERSONS}/anna/merge", json={"person_id": "ann"}).status_code == 200
    for wrong, code in (("anna", "validation_error"), ("nobody", "person_not_found")):
        answer = client.post(f"{PERSONS}/anna/merge", json={"person_id": wrong})
        assert answer.get_json()["code"] == code


def test_a_deleted_person_is_gone_and_the_same_deletion_is_told_again(client: FlaskClient) -> None:
    client.post(PERSONS, json={"id": "anna", "name": "Anna"})

    deleted = client.delete(f"{PERSONS}/anna").get_json()

    assert (deleted["person_id"], deleted["collection_id"]) == ("anna", "album")
    assert "Anna" not in str(deleted)
    assert client.get(f"{PERSONS}/anna").get_json()["code"] == "person_not_found"
    assert client.delete(f"{PERSONS}/anna").get_json()["id"] == deleted["id"]
    assert client.delete(f"{PERSONS}/nobody").get_json()["code"] == "person_not_found"
    assert client.delete(f"{PERSONS}/a b").get_json()["code"] == "person_not_found"


def test_a_person_s_own_data_can_be_taken_along(client: FlaskClient) -> None:
    own = contract()
    del own["dimensions"]
    client.post(PERSONS, json={"id": "anna", "name": "Änne"})
    imported(client, [{"person_id": "anna", "embedding": direction(1), **own}])
    imported(client, [{"person_id": "bert", "embedding": direction(2), **own}])

    answer = client.get(f"{PERSONS}/anna/export")

    assert answer.mimetype == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.get_data())) as archive:
        assert archive.testzip() is None
        told = json.loads(archive.read("person.json"))
        events = [json.loads(line) for line in archive.read("audit.ndjson").splitlines()]
    assert told["name"] == "Änne"
    assert told["faces"][0]["embedding"] == pytest.approx(direction(1), abs=1e-3)
    assert told["collection"]["contract"]["model"] == "sface"
    assert [one["action"] for one in events] == [
        "person.exported",
        "faces.imported",
        "person.created",
    ]


def test_persons_are_listed_in_parts_in_the_order_they_were_made(client: FlaskClient) -> None:
    for name in "cab":
        client.post(PERSONS, json={"id": name})

    first = client.get(PERSONS, query_string={"limit": 2})
    rest = client.get(PERSONS, query_string={"after": first.get_json()["next_cursor"]})

    assert [one["id"] for one in first.get_json()["items"]] == ["c", "a"]
    assert f"after={first.get_json()['next_cursor']}" in first.headers["Link"]
    assert [one["id"] for one in rest.get_json()["items"]] == ["b"]
    assert rest.get_json()["next_cursor"] is None


def test_a_whole_collection_is_exported_with_an_end(client: FlaskClient) -> None:
    own = contract()
    del own["dimensions"]
    imported(client, [{"person_id": "anna", "embedding": direction(1), **own}])
    client.post(PERSONS, json={"id": "bert", "name": "Bert"})

    lines = exported(client)

    assert [line["kind"] for line in lines] == ["collection", "person", "face", "person", "end"]
    assert lines[0]["contract"] == contract()
    assert (lines[3]["name"], lines[-1]["persons"], lines[-1]["faces"]) == ("Bert", 2, 1)
    [event, *_] = client.get(f"{API}/album/audit").get_json()["items"]
    assert event["action"] == "collection.exported"


def test_kept_photos_are_part_of_a_person_s_own_data(
    client: FlaskClient, parts: Services, photo: Callable[..., bytes]
) -> None:
    kept = KeptImages(parts.identity_blobs, parts.identities.forgetting).keep(photo("PNG"))
    uid = parts.identities.collections.get("local", "album").uid
    client.post(PERSONS, json={"id": "anna"})
    face = NewFace(
        id=f"face_{'1' * 32}",
        vector=struct.pack("<128e", *direction(1)),
        quality=0.5,
        source_sha256="a" * 64,
        origin="job",
        added_by="local",
        image_key=kept.key,
        image_secret=kept.secret,
    )
    parts.identities.persons.add_faces(
        uid,
        "anna",
        [face],
        contract=EmbeddingContract(**contract()),
        audit=AuditEvent(action="faces.enrolled", by="local"),
    )

    answer = client.get(f"{PERSONS}/anna/export")

    with zipfile.ZipFile(io.BytesIO(answer.get_data())) as archive:
        assert archive.read(f"photos/{face.id}.png") == photo("PNG")
        told = json.loads(archive.read("person.json"))
    assert told["faces"][0]["has_image"] is True
    assert kept.secret not in json.dumps(told)
    parts.identity_blobs.delete(kept.key)
    gone = client.get(f"{PERSONS}/anna/export").get_data()
    with zipfile.ZipFile(io.BytesIO(gone)) as archive:
        assert archive.namelist() == ["person.json", "audit.ndjson"]


def test_an_export_of_a_collection_that_is_deleted_meanwhile_is_refused(parts: Services) -> None:
    class Leaving:
        """Persons whose collection is deleted once somebody asks for their embeddings."""

        def __getattr__(self, name: str) -> object:
            return getattr(parts.identities.persons, name)

        def vectors(self, uid: str, face_ids: Sequence[str]) -> Sequence[FaceVector]:
            noted = AuditEvent(action="collection.deleted", by="local")
            parts.identities.collections.delete(uid, audit=noted)
            return parts.identities.persons.vectors(uid, face_ids)

    persons = cast("PersonStore", Leaving())
    leaving = replace(parts, identities=replace(parts.identities, persons=persons))
    client = create_app(leaving).test_client()
    own = contract()
    del own["dimensions"]
    imported(client, [{"person_id": "anna", "embedding": direction(1), **own}])

    answer = client.get(f"{PERSONS}/anna/export")

    assert (answer.status_code, answer.get_json()["code"]) == (404, "collection_not_found")
