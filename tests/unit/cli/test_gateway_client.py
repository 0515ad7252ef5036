"""The command's client waits for jobs and tells the gateway's own words."""

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from cli.gateway_client import GatewayAway, GatewayClient, GatewayFailed

JOB = "/api/v1/jobs/job_1"


def _client(answer: Callable[[httpx.Request], httpx.Response]) -> GatewayClient:
    transport = httpx.MockTransport(answer)
    return GatewayClient(httpx.Client(base_url="http://gateway.test", transport=transport))


def test_a_refusal_is_told_in_the_gateway_s_words(tmp_path: Path) -> None:
    photo = tmp_path / "a.jpg"
    photo.write_bytes(b"x")
    client = _client(lambda _: httpx.Response(415, json={"detail": "Not an image."}))

    with pytest.raises(GatewayFailed, match=r"Not an image\."):
        client.submit(photo)


def test_an_answer_that_is_no_problem_document_is_told_by_its_status(tmp_path: Path) -> None:
    photo = tmp_path / "a.jpg"
    photo.write_bytes(b"x")

    with pytest.raises(GatewayFailed, match="status 502"):
        _client(lambda _: httpx.Response(502, text="<html>")).submit(photo)


def test_a_gateway_that_is_away_is_asked_again() -> None:
    answers = iter(
        [
            httpx.Response(503, json={"detail": "away"}),
            httpx.Response(200, json={"id": "job_1", "state": "running"}),
            httpx.Response(200, json={"id": "job_1", "state": "succeeded", "result": {}}),
        ]
    )

    assert _client(lambda _: next(answers)).wait(JOB, timeout_seconds=30)["state"] == "succeeded"


def test_a_failed_job_is_told_with_its_reason() -> None:
    job = {"id": "job_1", "state": "failed", "error": {"message": "The image is cut off."}}

    with pytest.raises(GatewayFailed, match=r"The image is cut off\."):
        _client(lambda _: httpx.Response(200, json=job)).wait(JOB, timeout_seconds=30)


def test_a_job_that_does_not_end_in_time_is_given_up() -> None:
    job = {"id": "job_1", "state": "running"}

    with pytest.raises(GatewayFailed, match="has not ended"):
        _client(lambda _: httpx.Response(200, json=job)).wait(JOB, timeout_seconds=0.1)


def test_no_answer_at_all_is_a_gateway_that_is_away(tmp_path: Path) -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    photo = tmp_path / "a.jpg"
    photo.write_bytes(b"x")
    with pytest.raises(GatewayAway, match="refused"):
        _client(refuse).submit(photo)
