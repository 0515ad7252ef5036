"""`facesocial submit`, `watch` and `results` against a gateway that answers from a script."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from cli.results import lines_of
from cli.submit import IN_FLIGHT, outcomes_of
from cli.watch import NotAllSucceeded, end_of, follow
from client import Batch, Client, GatewayAway, Retries
from client.testing import ScriptedGateway

MADE = "2026-01-01T00:00:00Z"


def _job(job_id: str, **members: object) -> httpx.Response:
    result = {"faces": [job_id]}
    body = {"id": job_id, "state": "succeeded", "created_at": MADE, "result": result, **members}
    return httpx.Response(200, json=body)


def _batch(state: str, **counts: int) -> Batch:
    names = ("pending", "running", "succeeded", "failed", "cancelled")
    told = {name: counts.get(name, 0) for name in names}
    told["total"] = sum(told.values())
    return Batch.model_validate(
        {"id": "batch_1", "state": state, "created_at": MADE, "counts": told}
    )


@pytest.fixture
def gateway() -> ScriptedGateway:
    return ScriptedGateway()


@pytest.fixture
def client(gateway: ScriptedGateway) -> Client:
    return Client(
        "http://gateway.test", retries=Retries(attempts=1), transport=httpx.MockTransport(gateway)
    )


def _photos(folder: Path, number: int) -> list[Path]:
    photos = [folder / f"{place}.jpg" for place in range(number)]
    for photo in photos:
        photo.write_bytes(b"jpeg")
    return photos


def test_each_photo_has_its_outcome_in_its_place_whatever_became_of_the_others(
    client: Client, gateway: ScriptedGateway, tmp_path: Path
) -> None:
    sent = [*_photos(tmp_path, 3), tmp_path / "nowhere.jpg"]
    error = {"code": "no_face_detected", "message": "There is no face.", "retryable": False}
    gateway.answers = [
        _job("job_1"),
        httpx.Response(415, json={"code": "invalid_image_format", "detail": "No image."}),
        _job("job_3", state="failed", result=None, error=error),
    ]

    first, refused, failed, missing = outcomes_of(client, sent, {})

    assert first == {"file": str(sent[0]), "job": "job_1", "result": {"faces": ["job_1"]}}
    assert refused["error"] == {"code": "invalid_image_format", "message": "No image."}
    assert failed["error"]["code"] == "no_face_detected"
    assert missing["error"]["code"] == "FileNotFoundError"


def test_a_gateway_that_is_not_there_is_told_once_not_for_each_photo(
    client: Client, gateway: ScriptedGateway, tmp_path: Path
) -> None:
    gateway.answers = [httpx.ConnectError("Connection refused")]

    with pytest.raises(GatewayAway, match=r"gateway\.test did not answer: Connection refused\."):
        outcomes_of(client, _photos(tmp_path, 3), {})


def test_a_gateway_that_goes_away_costs_no_outcome_that_was_there(
    client: Client, gateway: ScriptedGateway, tmp_path: Path
) -> None:
    gateway.answers = [_job("job_1"), httpx.ConnectError("Connection refused")]

    first, second = outcomes_of(client, _photos(tmp_path, 2), {})

    assert first["result"] == {"faces": ["job_1"]}
    assert second["error"]["code"] == "GatewayAway"


def test_only_so_many_photos_are_sent_ahead(
    client: Client, gateway: ScriptedGateway, tmp_path: Path
) -> None:
    photos = _photos(tmp_path, IN_FLIGHT + 2)
    queued: dict[str, Any] = {"state": "queued", "result": None}
    gateway.answers = [
        *(_job(f"job_{place}", **queued) for place in range(IN_FLIGHT)),
        _job("job_0"),
        _job(f"job_{IN_FLIGHT}", **queued),
        _job("job_1"),
        _job(f"job_{IN_FLIGHT + 1}", **queued),
        *(_job(f"job_{place}") for place in range(2, IN_FLIGHT + 2)),
    ]

    outcomes = outcomes_of(client, photos, {})

    assert [outcome["job"] for outcome in outcomes] == [f"job_{n}" for n in range(len(photos))]
    methods = [request.method for request in gateway.requests]
    assert methods[: IN_FLIGHT + 4] == ["POST"] * IN_FLIGHT + ["GET", "POST"] * 2


def test_a_batch_of_which_not_all_succeeded_says_what_to_do(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(NotAllSucceeded, match=r"2 items failed, .*`facesocial results batch_1`"):
        end_of(_batch("partial", succeeded=3, failed=2), as_json=False)

    assert capsys.readouterr().out == "batch_1 partial: 3 of 5 items succeeded, 2 failed.\n"


def test_a_batch_that_succeeded_ends_well(capsys: pytest.CaptureFixture[str]) -> None:
    end_of(_batch("succeeded", succeeded=2), as_json=True)

    assert json.loads(capsys.readouterr().out)["counts"]["succeeded"] == 2


def test_who_stops_watching_a_batch_is_told_that_it_goes_on(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def _stopped(_request: httpx.Request) -> httpx.Response:
        raise KeyboardInterrupt

    client = Client("http://gateway.test", transport=httpx.MockTransport(_stopped))

    with pytest.raises(KeyboardInterrupt):
        follow(client, _batch("running", running=2))

    assert "`facesocial watch batch_1` follows it again" in capsys.readouterr().err


def test_results_of_a_batch_are_read_part_by_part(client: Client, gateway: ScriptedGateway) -> None:
    items = [{"number": n, "id": str(n), "state": "failed"} for n in (1, 2)]
    gateway.answers = [
        httpx.Response(200, json={"items": items[:1], "next_cursor": "1"}),
        httpx.Response(200, json={"items": items[1:], "next_cursor": None}),
    ]

    assert [line["number"] for line in lines_of(client, "batch_1", "failed")] == [1, 2]
    assert [request.url.params.get("after") for request in gateway.requests] == [None, "1"]
    assert {request.url.params["state"] for request in gateway.requests} == {"failed"}


def test_the_result_of_a_job_is_one_line(client: Client, gateway: ScriptedGateway) -> None:
    gateway.answers = [_job("job_1")]

    [line] = lines_of(client, "job_1", None)

    assert (line["id"], line["result"]) == ("job_1", {"faces": ["job_1"]})
