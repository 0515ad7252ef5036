"""Embeddings against each other, without a collection and without numpy."""

import json
import math

import pytest
from flask.testing import FlaskClient

from tests.unit.api.identities.album import direction

COMPARE = "/api/v1/face-recognition/compare-faces"
MATCH = "/api/v1/face-recognition/match-face"


def turned(degrees: float, *, length: float = 1.0) -> list[float]:
    """A direction in the plane."""
    angle = math.radians(degrees)
    return [length * math.cos(angle), length * math.sin(angle), 0.0]


def test_two_embeddings_are_held_against_the_model_s_measured_threshold(
    client: FlaskClient,
) -> None:
    body = {"embedding1": turned(0), "embedding2": turned(60, length=7), "model": "sface"}

    told = client.post(COMPARE, json=body).get_json()

    assert told["similarity"] == pytest.approx(0.5)
    assert (told["model"], told["far"]) == ("sface", 0.001)
    measured = {point["far"]: point["similarity"] for point in told["thresholds"]}
    assert told["threshold"] == measured[0.001]
    assert told["is_match"] == (told["similarity"] >= measured[0.001])
    strict = client.post(COMPARE, json={**body, "far": 1e-5}).get_json()
    assert strict["threshold"] == measured[1e-5] > measured[0.001]


def test_a_threshold_is_reached_by_what_equals_it(client: FlaskClient) -> None:
    same = {"embedding1": turned(0), "embedding2": turned(0), "threshold": 1}

    told = client.post(COMPARE, json=same).get_json()

    assert (told["similarity"], told["is_match"], told["far"]) == (1.0, True, None)
    opposite = {**same, "embedding2": turned(180)}
    assert client.post(COMPARE, json=opposite).get_json()["similarity"] == -1.0


def test_a_gallery_is_told_by_falling_similarity(client: FlaskClient) -> None:
    gallery = [
        {"id": name, "embedding": turned(degrees)}
        for name, degrees in (("far", 90), ("near", 10), ("same", 0), ("twin", 0))
    ]
    body = {"query_embedding": turned(0), "gallery_embeddings": gallery, "threshold": 0.5}

    told = client.post(MATCH, json=body).get_json()

    assert [one["identity_id"] for one in told["matches"]] == ["same", "twin", "near", "far"]
    assert [one["is_match"] for one in told["matches"]] == [True, True, True, False]
    first = client.post(MATCH, json={**body, "max_results": 1}).get_json()["matches"]
    assert [one["identity_id"] for one in first] == ["same"]


def test_a_gallery_of_the_largest_size_is_taken(client: FlaskClient) -> None:
    gallery = [
        {"id": str(number), "embedding": direction(number, dimensions=512)} for number in range(200)
    ]
    body = {"query_embedding": direction(7, dimensions=512), "gallery_embeddings": gallery}

    told = client.post(MATCH, json=body)

    assert told.status_code == 200
    assert told.get_json()["matches"][0]["identity_id"] == "7"


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"embedding2": turned(0)[:2]}, "validation_error", "embedding2"),
        ({"embedding2": [0, 0, 0]}, "validation_error", "embedding2"),
        ({"embedding2": [1.7e308] * 3}, "validation_error", "embedding2"),
        ({"embedding2": ["1", 0, 0]}, "validation_error", "embedding2.0"),
        ({"embedding2": [True, 0, 0]}, "validation_error", "embedding2.0"),
        ({"embedding2": [1]}, "validation_error", "embedding2"),
        ({"far": 0.5}, "validation_error", "far"),
        ({"model": "yunet"}, "unknown_model", "model"),
        ({"model": "ensemble"}, "validation_error", "model"),
        ({"nobody": 1}, "unknown_option", "nobody"),
    ],
)
def test_what_can_t_be_compared_is_refused(
    client: FlaskClient, change: dict[str, object], code: str, field: str
) -> None:
    body = {"embedding1": turned(0), "embedding2": turned(0)} | change

    answer = client.post(COMPARE, json=body).get_json()

    assert (answer["code"], answer["field"]) == (code, field)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{", "invalid_request"),
        ("[]", "invalid_request"),
        ('{"embedding1": [NaN, 1], "embedding2": [1, 1]}', "invalid_request"),
        ('{"embedding1": [1e999, 1], "embedding2": [1, 1]}', "validation_error"),
        ("[" * 200_000, "invalid_request"),
        ('{"model": "\\ud800", "embedding1": [1, 1], "embedding2": [1, 1]}', "invalid_request"),
        (" " * (4 * 1024 * 1024 + 1), "file_too_large"),
    ],
)
def test_a_body_that_can_t_be_read_is_refused(client: FlaskClient, text: str, code: str) -> None:
    answer = client.post(COMPARE, data=text, content_type="application/json")

    assert answer.get_json()["code"] == code


def test_of_an_embedding_the_first_wrong_number_is_told(client: FlaskClient) -> None:
    wrong = ["x"] * 4096
    gallery = [{"id": "anna", "embedding": wrong}] * 3

    answer = client.post(MATCH, json={"query_embedding": wrong, "gallery_embeddings": gallery})

    assert [one["field"] for one in answer.get_json()["errors"]] == [
        "query_embedding.0",
        *(f"gallery_embeddings.{number}.embedding.0" for number in range(3)),
    ]


def test_whole_numbers_may_have_a_point(client: FlaskClient) -> None:
    gallery = [{"id": "a", "embedding": [1, 0]}]
    text = json.dumps({"query_embedding": [1, 0], "gallery_embeddings": gallery})

    answer = client.post(
        MATCH, data=text[:-1] + ', "max_results": 1.0}', content_type="application/json"
    )

    assert answer.status_code == 200
