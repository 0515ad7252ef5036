"""Embeddings looked for in a collection, in place of a photo."""

import struct

import pytest
from flask.testing import FlaskClient

from api.services import Services
from tests.unit.api.identities.album import API, direction, job_of, known, refusal
from workers.jobs.options import SearchOptions


@pytest.fixture(autouse=True)
def _album(client: FlaskClient) -> None:
    client.post(API, json={"id": "album"})


def test_embeddings_are_looked_for_without_a_photo(
    client: FlaskClient, parts: Services, uid: str
) -> None:
    made = known(client)
    vectors = [direction(1), direction(2)]

    answer = client.post(f"{API}/album/search", json={"embeddings": vectors, "fpir": 0.1, **made})

    job = job_of(parts, answer)
    options = job.options
    assert isinstance(options, SearchOptions)
    assert (options.collection, options.dimensions, options.fpir) == (uid, 128, 0.1)
    content = parts.blobs.get(job.blob_keys[0])
    assert struct.unpack("<256f", content) == pytest.approx([*vectors[0], *vectors[1]], abs=1e-6)


@pytest.mark.parametrize(
    ("change", "status", "code", "field"),
    [
        ({"embedding": direction(1, dimensions=64)}, 409, "contract_mismatch", None),
        ({"model": "mobilefacenet_512"}, 409, "contract_mismatch", None),
        ({"model": None}, 400, "missing_field", "model"),
        ({"embedding": [0.5] * 128}, 422, "validation_error", "embedding"),
        ({"embedding": ["a"]}, 422, "validation_error", "embedding.0"),
        ({"embeddings": [direction(1)]}, 422, "validation_error", "embeddings"),
        ({"embedding": None, "embeddings": [direction(1)] * 21}, 422, "validation_error", None),
        (
            {"embedding": None, "embeddings": [direction(1), direction(2)[:100]]},
            422,
            "validation_error",
            "embeddings.1",
        ),
        ({"require": ["live"]}, 422, "option_unsupported", "require"),
        ({"max_faces": 1}, 422, "unknown_option", "max_faces"),
        ({"embedding": None}, 400, "missing_field", "image"),
    ],
)
def test_embeddings_that_can_t_be_looked_for_are_refused(
    client: FlaskClient, change: dict[str, object], status: int, code: str, field: str | None
) -> None:
    body = {"embedding": direction(1), **known(client)} | change

    answer = client.post(f"{API}/album/identify", json=body)

    assert refusal(answer)[:2] == (status, code)
    assert field is None or refusal(answer)[2] == field


def test_a_photo_and_an_embedding_are_one_too_many(client: FlaskClient, image: str) -> None:
    body = {"image": image, "embedding": direction(1), **known(client)}

    answer = client.post(f"{API}/album/identify", json=body)

    assert refusal(answer) == (422, "validation_error", "image")
