"""Models as an operator sees them, and wishes left for the workers that hold them."""

import io
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient

from api.services import Services
from vram.fleet import DeviceSummary
from vram.records import Device

Holding = Callable[..., Device]


def _wishes(parts: Services, device: Device) -> list[tuple[str, str | None]]:
    orders = parts.ledger.beat(device.id, device.incarnation, held=())
    return [(command.action, command.model) for command in orders.commands]


def _model(client: FlaskClient, name: str) -> dict[str, Any]:
    models = client.get("/api/v1/system/models").get_json()["models"]
    return next(model for model in models if model["id"] == name)


def test_every_model_is_listed_with_what_it_takes(client: FlaskClient, parts: Services) -> None:
    models = client.get("/api/v1/system/models").get_json()["models"]

    specs = [spec for spec in parts.catalogue.models.values() if spec.task != "part"]
    assert [model["id"] for model in models] == [spec.id for spec in specs]
    sface = _model(client, "sface")
    assert (sface["priority"], sface["zone"], sface["loaded"]) == (
        "high",
        "high_priority",
        False,
    )
    assert sface["vram_mb"] > 37
    assert sface["vram_basis"] == "measured_cpu_arena"
    assert (sface["gpu_ms"], sface["devices"]) == (None, [])


def test_a_model_on_a_device_is_shown_there_with_measured_figures(
    client: FlaskClient, parts: Services, holding: Holding
) -> None:
    holding("host/cuda:0", sface=("high", 400))
    parts.fleet.learn(
        service_ms={("gpu", "sface"): 9.0}, load_ms={"sface": 300.0}, vram_mib={"sface": 400}
    )

    sface = _model(client, "sface")

    assert (sface["loaded"], sface["vram_mb"], sface["vram_basis"]) == (
        True,
        400,
        "measured_on_device",
    )
    assert (sface["gpu_ms"], sface["load_ms"]) == (9.0, 300.0)
    [place] = sface["devices"]
    assert (place["device"], place["entries"][0]["state"]) == ("host/cuda:0", "ready")
    assert (place["history"]["loads"], place["history"]["load_ms"]) == (1, 300)


@pytest.mark.parametrize("action", ["load", "unload", "pin", "unpin"])
def test_a_wish_reaches_the_worker_of_the_device(
    client: FlaskClient, parts: Services, holding: Holding, action: str
) -> None:
    device = holding("host/cuda:0", sface=("high", 400))

    answer = client.post(f"/api/v1/system/models/sface/{action}")

    assert answer.status_code == 202
    [command] = answer.get_json()["commands"]
    assert (command["action"], command["model"], command["device"]) == (
        action,
        "sface",
        "host/cuda:0",
    )
    assert _wishes(parts, device) == [(action, "sface")]


def test_the_end_of_a_wish_is_told_where_the_answer_says(
    client: FlaskClient, parts: Services, holding: Holding
) -> None:
    device = holding("host/cuda:0", sface=("high", 400))
    [command] = client.post("/api/v1/system/models/sface/unload").get_json()["commands"]
    parts.ledger.done(device.id, device.incarnation, command["id"], answer="ok")

    events = client.get(command["links"]["events"]).get_json()["events"]

    ends = [one for one in events if one["detail"].get("command") == command["id"]]
    assert [(one["op"], one["detail"].get("answer")) for one in ends] == [
        ("command", None),
        ("done", "ok"),
    ]


def test_without_a_device_named_those_that_hold_the_model_are_meant(
    client: FlaskClient, parts: Services, holding: Holding
) -> None:
    holder, other = holding("a/cuda:0", sface=("high", 400)), holding("b/cuda:0")

    assert client.post("/api/v1/system/models/sface/unload").status_code == 202
    assert client.post("/api/v1/system/models/sface/pin").status_code == 202

    assert _wishes(parts, holder) == [("unload", "sface"), ("pin", "sface")]
    assert _wishes(parts, other) == []


def test_a_model_is_loaded_where_there_is_most_room(
    client: FlaskClient, parts: Services, holding: Holding, summary: DeviceSummary
) -> None:
    devices = {name: holding(name) for name in ("a/cuda:0", "b/cuda:0")}
    for name, free_mib in (("a/cuda:0", 100), ("b/cuda:0", 5000)):
        parts.fleet.publish(replace(summary, id=name, free_mib=free_mib), live_seconds=60)

    [command] = client.post("/api/v1/system/models/sface/load").get_json()["commands"]

    assert command["device"] == "b/cuda:0"
    assert _wishes(parts, devices["a/cuda:0"]) == []


def test_a_device_can_be_named(client: FlaskClient, parts: Services, holding: Holding) -> None:
    first, second = holding("a/cuda:0"), holding("b/cuda:0")

    client.post("/api/v1/system/models/sface/load", json={"device": "b/cuda:0"})
    client.post("/api/v1/system/optimize", json={"device": "a/cuda:0"})

    assert _wishes(parts, first) == [("optimize", None)]
    assert _wishes(parts, second) == [("load", "sface")]


def test_optimising_concerns_every_device(
    client: FlaskClient, parts: Services, holding: Holding
) -> None:
    devices = [holding("a/cuda:0"), holding("b/cuda:0")]

    answer = client.post("/api/v1/system/optimize")

    assert [one["device"] for one in answer.get_json()["commands"]] == ["a/cuda:0", "b/cuda:0"]
    assert [_wishes(parts, device) for device in devices] == [[("optimize", None)]] * 2


@pytest.mark.parametrize(
    ("url", "body", "status", "code"),
    [
        ("models/nobody/load", None, 404, "model_not_found"),
        ("models/sface/unload", None, 409, "model_not_loaded"),
        ("models/sface/load", {"device": "nowhere/cuda:0"}, 404, "device_not_found"),
        ("models/sface/load", {"device": 7}, 422, "validation_error"),
        ("models/sface/load", {"device": "\ud800"}, 400, "invalid_request"),
        ("models/sface/load", {"colour": "red"}, 422, "unknown_option"),
        ("models/sface/load", ["a/cuda:0"], 400, "invalid_request"),
        ("optimize", {"device": "nowhere/cuda:0"}, 404, "device_not_found"),
    ],
)
def test_a_wish_that_can_t_be_is_refused(
    client: FlaskClient, holding: Holding, url: str, body: object, status: int, code: str
) -> None:
    holding("a/cuda:0")

    answer = client.post(f"/api/v1/system/{url}", **({} if body is None else {"json": body}))

    assert (answer.status_code, answer.get_json()["code"]) == (status, code)


def test_a_body_nested_too_deep_is_refused(client: FlaskClient, holding: Holding) -> None:
    holding("a/cuda:0")

    answer = client.post(
        "/api/v1/system/optimize", data="[" * 20_000, content_type="application/json"
    )

    assert (answer.status_code, answer.get_json()["code"]) == (400, "invalid_request")


def test_a_body_that_comes_in_chunks_counts_too(
    client: FlaskClient, parts: Services, holding: Holding
) -> None:
    first, second = holding("a/cuda:0"), holding("b/cuda:0")

    client.post(
        "/api/v1/system/optimize",
        input_stream=io.BytesIO(b'{"device": "a/cuda:0"}'),
        headers={"Transfer-Encoding": "chunked", "Content-Type": "application/json"},
        environ_overrides={"wsgi.input_terminated": True},
    )

    assert _wishes(parts, first) == [("optimize", None)]
    assert _wishes(parts, second) == []


def test_without_a_living_worker_a_wish_is_refused_for_now(client: FlaskClient) -> None:
    for url in ("models/sface/load", "models/sface/unpin", "optimize"):
        answer = client.post(f"/api/v1/system/{url}")

        assert (answer.status_code, answer.get_json()["code"]) == (503, "no_gpu_device")
        assert answer.headers["Retry-After"] == "10"
