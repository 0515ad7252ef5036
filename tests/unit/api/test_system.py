"""What an operator reads: devices, their memory, their events, and health."""

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from api.services import Services
from vram.fleet import DeviceSummary
from vram.records import Device
from workers.contract import AnalyzeOptions, JobRoute, queue_of
from workers.jobs.store import NewJob

Holding = Callable[..., Device]


def test_the_vram_answer_shows_the_sums_and_where_they_come_from(
    client: FlaskClient, holding: Holding
) -> None:
    holding("host/cuda:0", yunet=("critical", 100), sface=("high", 400))

    [body] = client.get("/api/v1/system/vram").get_json()["devices"]

    assert (body["kind"], body["alive"], body["pressure"]) == ("gpu", True, False)
    assert (body["total_mb"], body["usable_mb"], body["allocated_mb"]) == (6144, 5238, 500)
    assert (body["planned_mb"], body["available_mb"], body["reserved_mb"]) == (500, 4738, 1406)
    assert body["utilization"] == round(1406 / 6144, 3)
    assert body["kept_out"] == {
        "driver_mb": 200,
        "context_mb": 450,
        "headroom_mb": 256,
        "foreign_mb": 0,
    }
    assert body["fragmentation"] is None
    assert "ONNX Runtime" in body["fragmentation_reason"]


def test_zones_are_told_by_what_their_models_own(client: FlaskClient, holding: Holding) -> None:
    holding("host/cuda:0", yunet=("critical", 100), sface=("high", 400), age=("medium", 50))

    [body] = client.get("/api/v1/system/vram").get_json()["devices"]
    zones = body["zone_usage"]

    assert sum(zone["capacity_mb"] for zone in zones.values()) == body["usable_mb"]
    assert {name: (zone["used_mb"], zone["model_count"]) for name, zone in zones.items()} == {
        "critical": (100, 1),
        "high_priority": (400, 1),
        "flexible": (50, 1),
    }
    assert zones["flexible"]["utilization"] == round(50 / zones["flexible"]["capacity_mb"], 3)
    assert zones["flexible"]["loan_mb"] == 0


def test_each_model_is_shown_with_its_state_and_uses(client: FlaskClient, holding: Holding) -> None:
    holding("host/cuda:0", pinned=("sface",), sface=("high", 400))

    [body] = client.get("/api/v1/system/vram").get_json()["devices"]
    [model] = body["models"]

    assert (model["model"], model["state"], model["vram_mb"]) == ("sface", "ready", 400)
    assert (model["zone"], model["pins"], model["keep"], model["loan"]) == (
        "high_priority",
        1,
        False,
        False,
    )
    assert model["idle_seconds"] >= 0
    assert model["last_used"].endswith("+00:00")


def test_without_a_device_the_lists_are_empty(client: FlaskClient) -> None:
    assert client.get("/api/v1/system/vram").get_json() == {"devices": []}
    assert client.get("/api/v1/system/events").get_json() == {"events": []}
    assert client.get("/api/v1/system/devices").get_json() == {
        "devices": [],
        "cpu": {"processes": 0, "waiting_jobs": {"interactive": 0, "bulk": 0}},
    }


def test_devices_are_shown_with_breaker_and_queues(
    client: FlaskClient, parts: Services, holding: Holding, summary: DeviceSummary
) -> None:
    device = holding(summary.id)
    parts.fleet.publish(summary, live_seconds=60)
    parts.fleet.beat_cpu("host:1", live_seconds=60)
    for _ in range(5):
        parts.fleet.served(device.id, ok=False)
    route = JobRoute(queue=queue_of("bulk", device=device.id), reason="resident")
    parts.jobs.submit(NewJob(id="job_1", options=AnalyzeOptions(), route=route, blob_keys=("b",)))

    body = client.get("/api/v1/system/devices").get_json()

    assert body["cpu"] == {"processes": 1, "waiting_jobs": {"interactive": 0, "bulk": 0}}
    [told] = body["devices"]
    assert (told["breaker"], told["simulated"]) == ("open", False)
    assert told["waiting_jobs"] == {"interactive": 0, "bulk": 1}


def test_events_tell_in_words_what_happened(client: FlaskClient, holding: Holding) -> None:
    holding("host/cuda:0", sface=("high", 400))

    events = client.get("/api/v1/system/events").get_json()["events"]

    told = [(event["op"], event["why"], event["model"]) for event in events]
    assert ("reserve", "direct_allocation", "sface") in told
    assert told[-1] == ("loaded", "loaded", "sface")
    assert events[-1]["message"] == "sface was loaded in 300 ms and takes 400 MiB."
    assert (events[-1]["state"], events[-1]["allocated_mb"]) == ("ready", 400)


def test_events_are_read_on_from_where_a_reader_stopped(
    client: FlaskClient, holding: Holding
) -> None:
    holding("host/cuda:0", sface=("high", 400), yunet=("critical", 100))
    url = "/api/v1/system/events?device=host/cuda:0&after=0"

    everything = client.get(url).get_json()["events"]
    first = client.get(f"{url}&limit=2").get_json()["events"]
    last = first[-1]["id"]
    rest = client.get(f"/api/v1/system/events?device=host/cuda:0&after={last}").get_json()["events"]

    assert first + rest == everything
    assert len(first) == 2
    assert {event["model"] for event in everything} == {None, "sface", "yunet"}


def test_the_latest_events_of_a_model_are_told_for_all_devices(
    client: FlaskClient, holding: Holding
) -> None:
    holding("a/cuda:0", sface=("high", 400), yunet=("critical", 100))
    holding("b/cuda:0", sface=("high", 300))

    found = client.get("/api/v1/system/events?model=sface&limit=3").get_json()["events"]

    assert [event["model"] for event in found] == ["sface"] * 3
    assert found[-1]["device"] == "b/cuda:0"


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("device=nowhere/cuda:0", 404, "device_not_found"),
        ("after=0", 422, "validation_error"),
        ("device=host/cuda:0&after=yesterday", 422, "validation_error"),
        ("device=host/cuda:0&after=1-", 422, "validation_error"),
        ("device=host/cuda:0&after=-1", 422, "validation_error"),
        ("device=host/cuda:0&after=1-18446744073709551615", 422, "validation_error"),
        ("device=host/cuda:0&after=99999999999999999999", 422, "validation_error"),
        ("device=host/cuda:0&after=%D9%A1", 422, "validation_error"),
        ("limit=0", 422, "validation_error"),
        ("limit=many", 422, "validation_error"),
        ("colour=red", 422, "unknown_option"),
    ],
)
def test_a_wrong_question_about_events_is_refused(
    client: FlaskClient, holding: Holding, query: str, status: int, code: str
) -> None:
    holding("host/cuda:0")
    holding("other/cuda:0")

    answer = client.get(f"/api/v1/system/events?{query}")

    assert (answer.status_code, answer.get_json()["code"]) == (status, code)


def test_ready_says_how_many_jobs_wait_and_how_many_devices_serve(
    client: FlaskClient, parts: Services, summary: DeviceSummary
) -> None:
    expected: dict[str, Any] = {"status": "ok", "waiting_jobs": 0, "live_devices": 0}
    for url in ("/health/ready", "/api/v1/system/health"):
        assert client.get(url).get_json() == expected

    parts.fleet.publish(summary, live_seconds=60)

    assert client.get("/health/ready").get_json()["live_devices"] == 1
