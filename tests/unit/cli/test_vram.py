"""`facesocial vram top` and `explain`, over the answers of a real gateway application."""

import io
from collections.abc import Iterator

import httpx
import pytest
import redis
from rich.console import Console

from api.app import create_app
from api.services import Services
from api.testing import memory_parts
from cli.vram_explanation import explanation
from cli.vram_table import tables_of
from client import Client
from vram.answers import Ask
from vram.fleet import DeviceSummary
from vram.records import Device, Priority
from workers.settings.process import Settings

CARD = "box/sim:700"


@pytest.fixture
def parts(fake_redis: redis.Redis) -> Services:
    return memory_parts(Settings(auth="off"), fake_redis)


@pytest.fixture
def gateway(parts: Services) -> Iterator[Client]:
    transport = httpx.WSGITransport(app=create_app(parts))
    with Client("http://localhost", transport=transport) as client:
        yield client


@pytest.fixture
def device(parts: Services) -> Device:
    device = Device(
        id=CARD,
        kind="simulated",
        name="a card",
        host="box",
        total_mib=700,
        reserved_mib=0,
        context_mib=0,
        headroom_mib=29,
        verified=True,
        incarnation=parts.ledger.next_incarnation(CARD),
    )
    parts.ledger.register(device)
    return device


def _load(
    parts: Services, device: Device, model: str, mib: int, priority: Priority = "high"
) -> None:
    where = (device.id, device.incarnation)
    gen = parts.ledger.reserve(
        *where, Ask(model=model, vram_mib=mib, priority=priority, token=model)
    ).gen
    assert gen is not None
    parts.ledger.begin(*where, gen, free_mib=None)
    parts.ledger.loaded(*where, gen, vram_mib=mib, load_ms=300)


def _shown(gateway: Client) -> str:
    console = Console(file=io.StringIO(), width=120)
    look = {
        "vram": gateway.call("GET", "/api/v1/system/vram")["devices"],
        **gateway.call("GET", "/api/v1/system/devices"),
    }
    console.print(tables_of(look))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def _explained(gateway: Client, model: str) -> str:
    models = gateway.call("GET", "/api/v1/system/models")["models"]
    found = next(one for one in models if one["id"] == model)
    devices = gateway.call("GET", "/api/v1/system/vram")["devices"]
    events = gateway.call("GET", "/api/v1/system/events", query={"model": model, "limit": 10})[
        "events"
    ]
    return "\n".join(explanation(found, devices, events))


def test_without_a_device_top_says_who_works(gateway: Client) -> None:
    assert "No GPU worker is registered" in _shown(gateway)


def test_top_shows_devices_zones_and_models(
    gateway: Client, parts: Services, device: Device
) -> None:
    _load(parts, device, "sface", 191)
    parts.ledger.keep(device.id, "sface", on=True)
    parts.fleet.publish(
        DeviceSummary(
            id=device.id,
            kind="simulated",
            incarnation=1,
            version=1,
            resident=("sface",),
            coming=(),
            free_mib=0,
            evictable_mib={},
            usable_mib=671,
            pressure=False,
        ),
        live_seconds=60,
    )
    for _ in range(5):
        parts.fleet.served(device.id, ok=False)

    shown = _shown(gateway)

    title, bar, sums, zones, *rows = shown.splitlines()
    assert title.startswith("box/sim:700  a card  simulated  breaker open  waiting: 0 interactive")
    assert sums == "MiB: 700 in all, 191 models, 29 kept out (0 foreign), 480 free"
    assert bar.count("█") == round(40 * 191 / 700)
    assert "high_priority 191 / 27" in zones
    [row] = [row.split() for row in rows if row.strip().startswith("sface")]
    assert row[1:5] == ["ready", "191", "high", "0"]
    assert row[-1] == "keep"


def test_a_loaded_model_is_explained_by_what_brought_it(
    gateway: Client, parts: Services, device: Device
) -> None:
    _load(parts, device, "sface", 191)

    told = _explained(gateway, "sface")

    assert "sface does recognition, is of high priority and takes" in told
    assert "box/sim:700: it is loaded (191 MiB)" in told
    assert "Loaded 1 times, pushed out 0 times." in told
    assert "sface was loaded in 300 ms and takes 191 MiB." in told
    assert "To be on" not in told


def test_a_refused_model_is_explained_by_the_ledger_s_own_reason(
    gateway: Client, parts: Services, device: Device
) -> None:
    _load(parts, device, "yunet", 600, "critical")
    ask = Ask(model="sface", vram_mib=191, priority="high", token="photo")  # noqa: S106 - no password
    assert parts.ledger.reserve(device.id, device.incarnation, ask).outcome == "cpu"

    told = _explained(gateway, "sface")

    assert "box/sim:700: it is not there." in told
    assert "To be on box/sim:700: " in told
    assert "MiB are missing for sface" in told


def test_a_model_nobody_asked_for_is_explained_by_the_room_there_is(
    gateway: Client, parts: Services, device: Device
) -> None:
    told = _explained(gateway, "sface")
    assert "To be on box/sim:700: a job has to ask for it; 671 MiB are free." in told
    assert "Nothing has happened to it yet." in told

    _load(parts, device, "yunet", 600, "critical")

    assert "have to leave; 71 MiB are free." in _explained(gateway, "sface")


@pytest.mark.parametrize(
    ("size_mb", "told"),
    [
        (800, "it does not fit; 671 MiB are all that models may take."),
        (500, "nobody leaves for it, since its class may own 446 MiB"),
        (400, "models of at least 329 MiB, of no higher class and not in use, have to leave"),
    ],
)
def test_a_model_that_is_too_large_for_its_class_is_explained_by_that(
    gateway: Client, parts: Services, device: Device, size_mb: int, told: str
) -> None:
    _load(parts, device, "yunet", 600, "critical")
    models = gateway.call("GET", "/api/v1/system/models")["models"]
    sface = next(one for one in models if one["id"] == "sface")
    devices = gateway.call("GET", "/api/v1/system/vram")["devices"]

    lines = explanation({**sface, "vram_mb": size_mb}, devices, [])

    assert told in "\n".join(lines)


def test_a_model_that_never_runs_on_a_gpu_is_explained_by_that(
    gateway: Client, device: Device
) -> None:
    assert device.id == CARD
    models = gateway.call("GET", "/api/v1/system/models")["models"]
    cpu_only = next(one["id"] for one in models if not one["vram_mb"])

    told = _explained(gateway, cpu_only)

    assert "no memory of a device" in told
    assert "To be on" not in told
