"""A collection as a client fills it."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse, encode_multipart

from api.services import Services
from models.catalogue import load_catalogue
from models.spec import PinnedFile
from workers.jobs.store import Job

API = "/api/v1/collections"
#: What made the embeddings of these tests: a model of the catalogue, with its weights' hash.
MODEL = "sface"
NDJSON = "application/x-ndjson"


def contract(*, dimensions: int = 128) -> dict[str, Any]:
    """The contract of the catalogue's model."""
    file = load_catalogue().model(MODEL).file
    assert isinstance(file, PinnedFile)
    return {
        "model": MODEL,
        "sha256": file.sha256,
        "preprocessing_version": "1",
        "dimensions": dimensions,
    }


def direction(number: int, *, dimensions: int = 128) -> list[float]:
    """An embedding of norm 1, another one for each number."""
    raw = [math.sin(1 + number * 7 + place * (number + 1)) for place in range(dimensions)]
    norm = math.hypot(*raw)
    return [value / norm for value in raw]


def imported(
    client: FlaskClient,
    lines: Sequence[Mapping[str, Any] | str],
    *,
    collection: str = "album",
    **query: str,
) -> TestResponse:
    """The answer to an import of these lines."""
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    return client.post(
        f"{API}/{collection}/import",
        data="\n".join(texts),
        content_type=NDJSON,
        query_string=query,
    )


def exported(client: FlaskClient, collection: str = "album") -> list[dict[str, Any]]:
    """The lines of a collection's export."""
    answer = client.get(f"{API}/{collection}/export")
    assert answer.status_code == 200
    assert answer.mimetype == NDJSON
    return [json.loads(line) for line in answer.get_data().splitlines()]


def job_of(parts: Services, answer: TestResponse) -> Job:
    assert answer.status_code == 202, answer.get_json()
    return parts.jobs.get(answer.get_json()["id"])


def refusal(answer: TestResponse) -> tuple[int, str, str | None]:
    body = answer.get_json()
    return answer.status_code, body["code"], body.get("field")


def post_form(client: FlaskClient, address: str, members: dict[str, Any]) -> TestResponse:
    boundary, body = encode_multipart(members)
    content_type = f"multipart/form-data; boundary={boundary}"
    return client.post(address, data=body, content_type=content_type)


def known(client: FlaskClient) -> dict[str, Any]:
    """What made a face that the collection has from here on."""
    made = contract()
    del made["dimensions"]
    imported(client, [{"person_id": "anna", "embedding": direction(1), **made}])
    return made
