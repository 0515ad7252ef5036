"""Every endpoint for analyses: what it implies, what it takes under which name, what it refuses."""

import base64
import dataclasses
import io
from collections.abc import Callable, Sequence

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from api.app import create_app
from api.services import Services
from workers.contract import AnalyzeOptions
from workers.jobs.options import JobOptions
from workers.settings.process import Settings

API = "/api/v1"
MP4 = b"\0\0\0\x18ftypmp42" + bytes(500)


@pytest.fixture
def settings() -> Settings:
    return Settings(auth="off")


def _options(parts: Services, response: TestResponse) -> JobOptions:
    assert response.status_code == 202, response.get_json()
    return parts.jobs.get(response.get_json()["id"]).options


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()


@pytest.mark.parametrize(
    ("paths", "options"),
    [
        (("face/detect", "face-detection/detect"), AnalyzeOptions(analyses=("detection",))),
        (
            ("face/recognize", "face-recognition/extract-embedding"),
            AnalyzeOptions(analyses=("detection", "recognition"), return_embeddings=True),
        ),
        (
            ("face/anti-spoof", "face/antispoof", "anti-spoofing/detect-liveness"),
            AnalyzeOptions(analyses=("detection", "anti_spoofing")),
        ),
        (
            ("face/deepfake", "deepfake-detection/detect-deepfake"),
            AnalyzeOptions(analyses=("detection", "deepfake")),
        ),
        (
            ("face/demographics", "gender-age/detect"),
            AnalyzeOptions(analyses=("detection", "demographics")),
        ),
    ],
)
def test_an_endpoint_for_one_analysis_asks_for_that_one(
    client: FlaskClient,
    parts: Services,
    photo: Callable[..., bytes],
    paths: Sequence[str],
    options: AnalyzeOptions,
) -> None:
    for path in paths:
        as_json = client.post(f"{API}/{path}", json={"image": _text(photo())})
        form = {"image": (io.BytesIO(photo()), "a.jpg"), "max_faces": "3"}

        assert _options(parts, as_json) == options
        changed = options.model_copy(update={"max_faces": 3})
        assert _options(parts, client.post(f"{API}/{path}", data=form)) == changed


@pytest.mark.parametrize(
    ("path", "members", "expected"),
    [
        ("face/detect", {"confidence_threshold": 0.7}, {"min_confidence": 0.7}),
        ("face/detect", {"engine": "yolov5s", "return_landmarks": True}, {"engine": "yolov5s"}),
        ("face/detect", {"return_attributes": "false"}, {}),
        ("face/analyze", {"detection_engine": "yunet"}, {"engine": "yunet"}),
        ("face/analyze", {"return_detailed": "true"}, {}),
        ("face/recognize", {"model": "sface"}, {"recognition_model": "sface"}),
        ("face/recognize", {"return_embeddings": False}, {"return_embeddings": False}),
        ("face/anti-spoof", {"model": "minifasnet_v2"}, {"anti_spoofing_model": "minifasnet_v2"}),
        ("face/anti-spoof", {"motion_analysis": False, "depth_check": False}, {}),
        ("face/demographics", {"model": "genderage"}, {"demographics_model": "genderage"}),
    ],
)
def test_options_of_the_requirements_are_taken_under_their_names(
    client: FlaskClient,
    parts: Services,
    photo: Callable[..., bytes],
    path: str,
    members: dict[str, object],
    expected: dict[str, object],
) -> None:
    body = {"image": _text(photo()), "options": members}

    options = _options(parts, client.post(f"{API}/{path}", json=body))

    for name, value in expected.items():
        assert getattr(options, name) == value


@pytest.mark.parametrize(
    ("path", "members", "code", "field"),
    [
        ("face/detect", {"return_attributes": True}, "option_unsupported", "return_attributes"),
        ("face/detect", {"return_landmarks": "no"}, "option_unsupported", "return_landmarks"),
        ("face/detect", {"return_landmarks": [True]}, "option_unsupported", "return_landmarks"),
        ("face/detect", {"analyses": "deepfake"}, "unknown_option", "analyses"),
        ("face/detect", {"deepfake_model": "x"}, "unknown_option", "deepfake_model"),
        ("face/detect", {"kind": "analyze"}, "unknown_option", "kind"),
        ("face/analyze", {"kind": "analyze"}, "unknown_option", "kind"),
        ("face/detect", {"database_id": "default"}, "unknown_option", "database_id"),
        ("face/recognize", {"max_results": 5}, "validation_error", "max_results"),
        ("face/recognize", {"database_id": "a b"}, "validation_error", "database_id"),
        ("face/recognize", {"identify": {}}, "unknown_option", "identify"),
        ("face/recognize", {"model": "yunet"}, "unknown_model", "recognition_model"),
        ("face/anti-spoof", {"threshold": 0.5}, "option_unsupported", "threshold"),
        ("face/anti-spoof", {"motion_analysis": True}, "option_unsupported", "motion_analysis"),
        ("face/anti-spoof", {"depth_check": True}, "option_unsupported", "depth_check"),
        ("face/deepfake", {"artifact_analysis": True}, "option_unsupported", "artifact_analysis"),
        ("face/demographics", {"age_grouping": "decade"}, "option_unsupported", "age_grouping"),
        (
            "face/detect",
            {"confidence_threshold": 0.5, "min_confidence": 0.6},
            "validation_error",
            "min_confidence",
        ),
        ("face/detect", {"tags": ["a b"]}, "validation_error", "tags"),
        ("face/detect", {"tags": 7}, "validation_error", "tags"),
        ("face/detect", {"webhook_url": 7}, "validation_error", "webhook_url"),
        ("face/detect", {"webhook_url": "http://10.0.0.1/"}, "url_refused", "webhook_url"),
    ],
)
def test_what_can_t_be_honoured_is_refused_and_never_passed_over(
    client: FlaskClient,
    parts: Services,
    photo: Callable[..., bytes],
    path: str,
    members: dict[str, object],
    code: str,
    field: str,
) -> None:
    response = client.post(f"{API}/{path}", json={"image": _text(photo()), **members})

    assert (response.status_code, response.get_json()["code"]) == (422, code)
    assert response.get_json()["field"] == field
    assert parts.jobs.waiting() == 0


@pytest.mark.parametrize(
    ("path", "analysis"),
    [
        ("face/recognize", "recognition"),
        ("face/verify", "recognition"),
        ("face/liveness", "anti_spoofing"),
        ("face/analyze-video", "deepfake"),
        ("face/analyze-video", "recognition"),
    ],
)
def test_an_endpoint_whose_analysis_is_switched_off_says_so(
    parts: Services, photo: Callable[..., bytes], path: str, analysis: str
) -> None:
    settings = parts.settings.model_copy(update={"disabled_analyses": (analysis,)})
    client = create_app(dataclasses.replace(parts, settings=settings)).test_client()
    one = _text(photo())
    files = {"image": one, "image1": one, "image2": one, "images": [one, one], "video": _text(MP4)}
    taken = {
        "face/recognize": ("image",),
        "face/verify": ("image1", "image2"),
        "face/liveness": ("images",),
        "face/analyze-video": ("video",),
    }[path]

    response = client.post(f"{API}/{path}", json={name: files[name] for name in taken})

    assert (response.status_code, response.get_json()["code"]) == (403, "analysis_disabled")
    assert analysis in response.get_json()["detail"]


def test_a_rate_that_was_not_measured_is_refused_with_those_that_were(
    client: FlaskClient, photo: Callable[..., bytes]
) -> None:
    body = {"image1": _text(photo()), "image2": _text(photo()), "far": 0.3}

    response = client.post(f"{API}/face/verify", json=body)

    assert (response.status_code, response.get_json()["field"]) == (422, "far")
    assert "0.001" in response.get_json()["detail"]
