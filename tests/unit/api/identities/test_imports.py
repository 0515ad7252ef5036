"""Trusted embeddings from elsewhere, line by line."""

import base64
import io
import json
import math
import struct
from typing import Any

import pytest
from flask.testing import FlaskClient

from api.identities.import_lines import LONGEST_LINE_BYTES, numbered_lines
from tests.unit.api.identities.album import (
    API,
    NDJSON,
    contract,
    direction,
    exported,
    imported,
)


@pytest.fixture(autouse=True)
def _album(client: FlaskClient) -> None:
    client.post(API, json={"id": "album"})


def face(number: int, person: str = "anna", **members: object) -> dict[str, Any]:
    """A line that says for itself what made it."""
    own = contract()
    del own["dimensions"]
    return {"person_id": person, "embedding": direction(number), **own, **members}


def test_an_export_comes_back_the_same_in_another_collection_and_adds_nothing_twice(
    client: FlaskClient,
) -> None:
    imported(client, [face(1), face(2), face(3, "bert", quality=0.5, source_sha256="a" * 64)])
    client.patch(f"{API}/album/persons/anna", json={"name": "Anna", "metadata": {"a": 1}})
    lines = exported(client)
    client.post(API, json={"id": "copy"})

    first = imported(client, lines, collection="copy").get_json()
    again = imported(client, lines, collection="copy").get_json()

    assert first["persons"] == {"added": 2, "known": 0}
    assert first["faces"] == {"added": 3, "known": 0, "duplicate": 0, "full": 0}
    assert (first["lines"], first["rejected"]) == (7, 0)
    assert again["persons"] == {"added": 0, "known": 2}
    assert again["faces"] == {"added": 0, "known": 3, "duplicate": 0, "full": 0}
    copied = exported(client, "copy")
    assert [one for one in copied if one["kind"] in {"person", "face"}] == [
        one for one in lines if one["kind"] in {"person", "face"}
    ]


def test_an_embedding_may_be_base64_of_float32(client: FlaskClient) -> None:
    packed = struct.pack("<128f", *direction(1))
    line = face(1, embedding_base64=base64.b64encode(packed).decode())
    del line["embedding"]

    assert imported(client, [line]).get_json()["faces"]["added"] == 1
    assert imported(client, [face(1)]).get_json()["faces"]["known"] == 1


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"embedding": direction(1, dimensions=64)}, "embedding_dimensions"),
        ({"embedding": [1.0]}, "embedding_dimensions"),
        ({"embedding": None, "embedding_base64": "AACAPw=="}, "embedding_dimensions"),
        ({"embedding": None, "embedding_base64": "A" * 48_000}, "embedding_dimensions"),
        ({"embedding": [2 * value for value in direction(1)]}, "embedding_norm"),
        ({"embedding": [0.0] * 128}, "embedding_norm"),
        ({"embedding": [math.nan, *direction(1)[1:]]}, "embedding_not_finite"),
        ({"embedding": [1e400, *direction(1)[1:]]}, "embedding_not_finite"),
        ({"embedding": None}, "line_invalid"),
        ({"embedding": "x"}, "line_invalid"),
        ({"embedding_base64": "AAAA"}, "line_invalid"),
        ({"embedding": None, "embedding_base64": "AAAAAAA="}, "embedding_dimensions"),
        ({"embedding": None, "embedding_base64": "!"}, "line_invalid"),
        ({"model": "mobilefacenet_512"}, "contract_mismatch"),
        ({"sha256": "0" * 64}, "contract_mismatch"),
        ({"preprocessing_version": "0"}, "contract_mismatch"),
        ({"sha256": None}, "contract_missing"),
        ({"model": None, "sha256": None, "preprocessing_version": None}, "contract_missing"),
        ({"person_id": "a b"}, "line_invalid"),
        ({"quality": 2}, "line_invalid"),
        ({"nobody": "knows"}, "line_invalid"),
        ({"kind": "dog"}, "line_invalid"),
        ({"kind": ["face"]}, "line_invalid"),
    ],
)
def test_a_line_that_can_t_be_taken_is_told_and_the_others_are_taken(
    client: FlaskClient, change: dict[str, object], code: str
) -> None:
    answer = imported(client, [face(7), face(1) | change, face(8)])

    told = answer.get_json()
    assert (answer.status_code, told["lines"], told["rejected"]) == (200, 3, 1)
    assert [(one["line"], one["code"]) for one in told["rejections"]] == [(2, code)]
    assert told["faces"]["added"] == 2


def test_lines_that_are_no_json_or_too_long_are_told(client: FlaskClient) -> None:
    deep = "[" * 100_000
    long = '"' + "x" * LONGEST_LINE_BYTES

    told = imported(client, ["{", "", deep, long, "7", '{"a": "\\ud800"}', json.dumps(face(1))])

    found = told.get_json()
    assert [(one["line"], one["code"]) for one in found["rejections"]] == [
        (1, "line_invalid"),
        (3, "line_invalid"),
        (4, "line_too_long"),
        (5, "line_invalid"),
        (6, "line_invalid"),
    ]
    assert (found["lines"], found["faces"]["added"]) == (6, 1)


def test_empty_lines_are_given_to_the_thread_that_reads_lines_too() -> None:
    """Where they were passed over while others wait, twenty million took a second."""
    assert list(numbered_lines(io.BytesIO(b"\n \n7"))) == [(1, b""), (2, b" "), (3, b"7")]


def test_the_first_face_of_a_model_nobody_knows_is_refused(client: FlaskClient) -> None:
    unknown = imported(client, [face(1, model="elsewhere")]).get_json()
    detector = imported(client, [face(1, model="yunet")]).get_json()
    weights = imported(client, [face(1, sha256="0" * 64)]).get_json()
    short = imported(client, [face(1, embedding=direction(1, dimensions=64))]).get_json()
    twice = imported(client, [face(1, model="sface+sface")]).get_json()
    both = imported(client, [face(1, model="mobilefacenet_512+sface")]).get_json()

    answers = (unknown, detector, weights, short, twice, both)
    assert [one["rejections"][0]["code"] for one in answers] == [
        "unknown_model",
        "unknown_model",
        "contract_mismatch",
        "embedding_dimensions",
        "unknown_model",
        "embedding_dimensions",
    ]
    assert client.get(f"{API}/album").get_json()["contract"] is None


def test_a_head_of_another_model_refuses_the_whole(client: FlaskClient) -> None:
    imported(client, [face(1)])
    head = {"kind": "collection", "contract": contract() | {"model": "mobilefacenet_512"}}

    answer = imported(client, [head, {"person_id": "bert", "embedding": direction(2)}])

    assert (answer.status_code, answer.get_json()["code"]) == (409, "contract_mismatch")
    assert client.get(f"{API}/album/persons/bert").status_code == 404


def test_a_person_with_other_data_is_refused_with_their_faces(client: FlaskClient) -> None:
    """Of two people with one id nobody may be found by the other's face."""
    client.post(f"{API}/album/persons", json={"id": "anna", "name": "Anna"})

    told = imported(
        client, [{"kind": "person", "id": "anna", "name": "Another"}, face(1), face(2, "bert")]
    ).get_json()

    assert [(one["line"], one["code"]) for one in told["rejections"]] == [
        (1, "person_exists"),
        (2, "person_exists"),
    ]
    assert told["faces"]["added"] == 1
    assert client.get(f"{API}/album/persons/anna").get_json()["faces"] == 0


def test_persons_are_made_unless_that_is_not_wanted(client: FlaskClient) -> None:
    refused = imported(client, [face(1)], create_persons="false").get_json()
    made = imported(client, [face(1)]).get_json()

    assert refused["rejections"][0]["code"] == "person_not_found"
    assert made["persons"] == {"added": 1, "known": 0}


def test_limits_and_consent_of_the_collection_hold(client: FlaskClient) -> None:
    client.patch(
        f"{API}/album",
        json={"limits": {"persons": 1, "faces_per_person": 2}, "consent_required": True},
    )
    consent = {"given_at": "2026-01-02T03:04:05Z", "purpose": "door"}
    person = {"kind": "person", "id": "anna", "consent": consent}

    told = imported(client, [person, face(1), face(2), face(3), face(4, "bert")]).get_json()

    assert told["faces"] == {"added": 2, "known": 0, "duplicate": 0, "full": 1}
    assert told["rejections"][0]["code"] == "too_many_persons"
    client.patch(f"{API}/album/persons/anna", json={"consent": None})
    assert imported(client, [face(5)]).get_json()["rejections"][0]["code"] == "consent_missing"


def test_more_faces_than_one_step_takes_are_all_added(client: FlaskClient) -> None:
    client.patch(f"{API}/album", json={"limits": {"faces_per_person": 1000}})

    told = imported(client, [face(number) for number in range(230)]).get_json()

    assert told["faces"]["added"] == 230
    assert told["version"] == client.get(f"{API}/album").get_json()["version"]
    assert client.get(f"{API}/album/persons/anna").get_json()["faces"] == 230


def test_another_type_of_body_is_refused(client: FlaskClient) -> None:
    answer = client.post(f"{API}/album/import", json={})

    assert answer.get_json()["code"] == "unsupported_media_type"
    alias = client.post(f"{API}/album/import", data=b"", content_type="application/ndjson")
    assert alias.get_json()["lines"] == 0
    assert NDJSON != "application/ndjson"
