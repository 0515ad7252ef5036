"""Pairs through a gateway: what is asked, and every way in which its answers may differ."""

import dataclasses
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from cli.served_pairs import Sending, ServedPair, compare_served, serve_pairs
from client import Client, JobFailed, Retries
from client.testing import MADE, ScriptedGateway
from models.errors import EvaluationDataMissing
from models.evaluation.labels import no_tick
from models.evaluation.report import Report
from models.evaluation.verification import Pair
from models.spec import OperatingPoint, VerificationThresholds

THRESHOLDS = {1e-2: 0.3, 1e-3: 0.4}
MEASURED = VerificationThresholds(
    points=tuple(OperatingPoint(far=f, similarity=s, tar=0.9) for f, s in THRESHOLDS.items()),
    genuine_pairs=10,
    impostor_pairs=1000,
    origin="somewhere",
)
PAIRS = [
    Pair(fold=fold, same=same, file_a=f"a_{fold}.jpg", file_b=f"b_{int(same)}.jpg")
    for fold in (1, 2)
    for same in (True, False)
]
COSINES = np.array([0.8, 0.1, 0.41, 0.35], np.float32)


def answered(similarity: float) -> dict[str, Any]:
    points = [{"far": far, "similarity": s, "tar": 0.9} for far, s in THRESHOLDS.items()]
    return {
        "similarity": similarity,
        "is_match": similarity >= 0.4,
        "thresholds": points,
        "model": "net",
    }


def job(**members: object) -> httpx.Response:
    body = {"id": "job_1", "state": "succeeded", "created_at": MADE, **members}
    return httpx.Response(200, json=body)


def served(gateway: ScriptedGateway, folder: Path, pairs: list[Pair]) -> list[ServedPair]:
    (folder / "images").mkdir()
    for pair in pairs:
        for name in (pair.file_a, pair.file_b):
            (folder / "images" / name).write_bytes(name.encode())
    transport = httpx.MockTransport(gateway)
    with Client("http://gateway.test", retries=Retries(attempts=1), transport=transport) as client:
        sending = Sending(client=client, model="net", far=1e-3, at_once=1)
        return serve_pairs(sending, folder, pairs, tick=no_tick)


def test_a_pair_is_sent_with_the_face_in_the_middle_at_the_rate(tmp_path: Path) -> None:
    gateway = ScriptedGateway(answers=[job(result=answered(0.8)), job(result=answered(0.1))])

    found = served(gateway, tmp_path, PAIRS[:2])

    assert [one.similarity for one in found] == [0.8, 0.1]
    assert [one.is_match for one in found] == [True, False]
    assert found[0].thresholds == THRESHOLDS
    body = gateway.requests[0].content
    for part in (
        b'name="face"\r\n\r\ncenter',
        b'name="far"\r\n\r\n0.001',
        b'name="model"\r\n\r\nnet',
    ):
        assert part in body
    assert b"a_1.jpg" in body
    assert b"b_1.jpg" in body


def test_a_photo_without_a_face_matches_nothing(tmp_path: Path) -> None:
    error = {"code": "no_face_detected", "message": "None.", "retryable": False}
    gateway = ScriptedGateway(answers=[job(state="failed", error=error)])

    found = served(gateway, tmp_path, PAIRS[:1])

    assert found == [ServedPair(similarity=-1.0, is_match=False, thresholds={}, model="")]


def test_another_failure_ends_the_measurement(tmp_path: Path) -> None:
    error = {"code": "internal_error", "message": "Broken.", "retryable": False}
    gateway = ScriptedGateway(answers=[job(state="failed", error=error)])

    with pytest.raises(JobFailed):
        served(gateway, tmp_path, PAIRS[:1])


def answers() -> list[ServedPair]:
    return [
        ServedPair(
            similarity=float(cosine),
            is_match=bool(cosine >= 0.4),
            thresholds=dict(THRESHOLDS),
            model="net",
        )
        for cosine in COSINES
    ]


def compared(found: list[ServedPair]) -> Report:
    return compare_served(found, COSINES, PAIRS, measured=MEASURED, far=1e-3, names=("net", "set"))


def test_equal_answers_show_no_difference_and_equal_figures() -> None:
    report = compared(answers())

    assert [figure.value for figure in report.figures] == [0, 0, 0]
    assert report.groups["over HTTP"] == report.groups["in this process"]
    figures = {figure.name: figure.value for figure in report.groups["over HTTP"]}
    assert (figures["TAR@FAR=1e-2"], figures["FAR met@FAR=1e-2"]) == (1.0, 0.5)
    assert (figures["TAR@FAR=1e-3"], figures["FAR met@FAR=1e-3"]) == (1.0, 0.0)
    assert figures["threshold@FAR=1e-3"] == 0.4


@pytest.mark.parametrize(
    ("changed", "differences"),
    [
        ({"similarity": 0.85}, [0.05, 0, 0]),
        ({"is_match": False}, [0, 1, 0]),
        ({"thresholds": {1e-2: 0.3, 1e-3: 0.41}}, [0, 0, 1]),
        ({"thresholds": {1e-2: 0.3}}, [0, 0, 1]),
    ],
)
def test_each_kind_of_difference_is_seen(changed: dict[str, Any], differences: list[float]) -> None:
    found = answers()
    found[0] = dataclasses.replace(found[0], **changed)

    report = compared(found)

    assert [figure.value for figure in report.figures] == pytest.approx(differences, abs=1e-6)


def test_another_models_answers_are_not_compared() -> None:
    found = answers()
    found[2] = dataclasses.replace(found[2], model="other")

    with pytest.raises(EvaluationDataMissing, match="answers by other, not by net"):
        compared(found)
