"""Faces named by a collection: what is asked, and what jobs come of it."""

import base64

import pytest
from flask.testing import FlaskClient

from api.services import Services
from tests.unit.api.identities.album import API, job_of, known, refusal
from workers.contract import AnalyzeOptions, IdentifyOptions
from workers.jobs.options import VideoOptions

#: As much of an MP4 file as the gateway looks at.
VIDEO = b"\x00\x00\x00\x18ftypisom" + bytes(16)


@pytest.fixture(autouse=True)
def _album(client: FlaskClient) -> None:
    client.post(API, json={"id": "album"})


def test_identification_is_an_analysis_that_names_faces(
    client: FlaskClient, parts: Services, image: str, uid: str
) -> None:
    answer = client.post(
        f"{API}/album/identify", json={"image": image, "max_results": 3, "fpir": 0.001}
    )

    options = job_of(parts, answer).options
    assert isinstance(options, AnalyzeOptions)
    assert options.analyses == ("detection", "recognition")
    assert options.identify == IdentifyOptions(
        collection=uid, collection_id="album", candidates=3, fpir=0.001, by="local"
    )
    assert answer.get_json()["options"]["identify"] == {
        "collection_id": "album",
        "candidates": 3,
        "fpir": 0.001,
        "threshold": None,
        "require": [],
    }
    assert uid not in answer.get_data(as_text=True)


@pytest.mark.parametrize("path", ["face/recognize", "face/analyze"])
def test_any_photo_s_faces_are_named_by_the_collection_that_is_sent(
    client: FlaskClient, parts: Services, image: str, uid: str, path: str
) -> None:
    members = {"database_id": "album", "identity_threshold": 0.5, "require": "live,authentic"}
    answer = client.post(f"/api/v1/{path}", json={"image": image, "options": members})

    options = job_of(parts, answer).options
    assert isinstance(options, AnalyzeOptions)
    assert options.identify is not None
    assert (options.identify.collection, options.identify.threshold) == (uid, 0.5)
    assert options.identify.require == ("live", "authentic")
    assert {"recognition", "anti_spoofing", "deepfake"} <= set(options.analyses)


def test_without_a_collection_nobody_is_named(
    client: FlaskClient, parts: Services, image: str
) -> None:
    options = job_of(parts, client.post("/api/v1/face/recognize", json={"image": image})).options

    assert isinstance(options, AnalyzeOptions)
    assert options.identify is None


def test_people_in_a_video_are_named_but_not_judged_for_liveness(
    client: FlaskClient, parts: Services, uid: str
) -> None:
    address, video = "/api/v1/face/analyze-video", base64.b64encode(VIDEO).decode()

    answer = client.post(address, json={"video": video, "database_id": "album"})
    refused = client.post(
        address, json={"video": video, "database_id": "album", "require": ["live"]}
    )

    options = job_of(parts, answer).options
    assert isinstance(options, VideoOptions)
    assert options.identify is not None
    assert options.identify.collection == uid
    assert refusal(refused) == (422, "option_unsupported", "require")


@pytest.mark.parametrize(
    ("members", "status", "code", "field"),
    [
        ({"database_id": "nobody"}, 404, "collection_not_found", None),
        ({"database_id": "../x"}, 422, "validation_error", "database_id"),
        ({"fpir": 0.1}, 422, "validation_error", "fpir"),
        ({"database_id": "album", "fpir": 1}, 422, "validation_error", "fpir"),
        (
            {"database_id": "album", "fpir": 0.1, "identity_threshold": 0.2},
            422,
            "validation_error",
            "fpir",
        ),
        (
            {"database_id": "album", "candidates": 1, "max_results": 1},
            422,
            "validation_error",
            "max_results",
        ),
        ({"database_id": "album", "require": ["nice"]}, 422, "validation_error", "require.0"),
        ({"database_id": "album", "threshold": 0.2}, 422, "unknown_option", "threshold"),
    ],
)
def test_a_wish_that_can_t_be_met_is_refused(
    client: FlaskClient,
    image: str,
    members: dict[str, object],
    status: int,
    code: str,
    field: str | None,
) -> None:
    answer = client.post("/api/v1/face/recognize", json={"image": image, **members})

    assert refusal(answer) == (status, code, field)


def test_faces_are_named_by_the_model_that_made_the_collection_s(
    client: FlaskClient, parts: Services, image: str
) -> None:
    known(client)
    address = f"{API}/album/identify"

    plain = job_of(parts, client.post(address, json={"image": image})).options
    other = client.post(address, json={"image": image, "recognition_model": "mobilefacenet_512"})

    assert isinstance(plain, AnalyzeOptions)
    assert plain.recognition_model == "sface"
    assert refusal(other) == (409, "contract_mismatch", None)


def test_who_is_known_may_have_changed_so_no_earlier_answer_is_told(
    client: FlaskClient, parts: Services, image: str
) -> None:
    address = f"{API}/album/identify"

    named = job_of(parts, client.post(address, json={"image": image}))
    unnamed = job_of(parts, client.post("/api/v1/face/recognize", json={"image": image}))

    assert (named.cache_key, bool(unnamed.cache_key)) == ("", True)
