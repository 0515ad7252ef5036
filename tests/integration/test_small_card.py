"""A live fleet whose simulated cards are too small for all models: every decision is explained."""

import itertools
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from cli.launcher.run_files import read_run_file
from cli.local_fleet import LocalFleet, local_fleet
from client import Client
from models.weights.store import WeightStore
from vram.answers import REASONS
from vram.invariants import StreamCheck
from vram.records import DeviceState, Event, State
from vram.redis_ledger import RedisLedger
from workers.connections.client import connect
from workers.settings.process import Settings, environment_of

pytestmark = [pytest.mark.fleet, pytest.mark.redis, pytest.mark.weights]

#: Every installed model comes up in one of these.
TRAFFIC: tuple[dict[str, str], ...] = (
    {},
    {"analyses": "all"},
    {"analyses": "detection", "engine": "centerface"},
    {"analyses": "detection", "engine": "mtcnn"},
    {"analyses": "detection", "engine": "ultraface_rfb320"},
    {"analyses": "recognition", "recognition_model": "mobilefacenet_512"},
    {"analyses": "recognition", "recognition_model": "ensemble"},
    {"analyses": "deepfake"},
    {"analyses": "anti_spoofing", "priority": "batch"},
    {"analyses": "all", "priority": "batch"},
)
#: The store keeps every event of a test, so that the stream can be checked from its start.
EVENTS_KEPT = 1_000_000


@contextmanager
def small_fleet(
    folder: Path, weights: WeightStore, cards: Sequence[str], **settings: object
) -> Iterator[LocalFleet]:
    """A fleet with these simulated cards ("700" MB each) and a short memory for idle things."""
    environment = {
        **os.environ,  # noqa: TID251 - handed to the fleet
        **environment_of(
            data_dir=folder / "data",
            weights_dir=weights.root.absolute(),
            port=0,
            job_lease_seconds=5,
            job_resend_seconds=3,
            vram_events_kept=EVENTS_KEPT,
            **settings,
        ),
    }
    arguments = ["--no-flower"]
    for card in cards:
        arguments += ["--simulate-gpu", card]
    with local_fleet(environment, log=folder / "up.log", arguments=arguments) as fleet:
        yield fleet


@contextmanager
def ledger_of(fleet: LocalFleet) -> Iterator[RedisLedger]:
    """The fleet's ledger, read from outside."""
    port = read_run_file(fleet.data.run / "store.json")["port"]
    url = f"redis://:{fleet.data.secret('store')}@127.0.0.1:{port}/0"
    with connect(Settings(redis_url=SecretStr(url)), role="test") as client:
        yield RedisLedger(client, silent_seconds=15)


def drive(fleet: LocalFleet, photos: dict[str, Path], rounds: int) -> list[dict[str, Any]]:
    """Mixed traffic, submitted at once; every job's end."""
    with Client(fleet.url, key=fleet.key) as client:
        kinds = itertools.islice(itertools.cycle(TRAFFIC), rounds * len(TRAFFIC))
        names = itertools.cycle(photos)
        jobs = [client.analyze(photos[next(names)], **options) for options in kinds]
        ended = [client.wait(job, timeout_seconds=240) for job in jobs]
        return [job.model_dump(mode="json") for job in ended]


def check_streams(ledger: RedisLedger) -> dict[str, tuple[DeviceState, list[Event]]]:
    """Each device with its events, which violate nothing and lead to its state."""
    found = {}
    for state in ledger.devices():
        events = list(ledger.follow(state.device.id))
        assert StreamCheck(state.device).feed(events) == []
        found[state.device.id] = (state, events)
    return found


def check_explained(
    jobs: Sequence[dict[str, Any]], streams: dict[str, tuple[DeviceState, list[Event]]]
) -> None:
    """Each job's route and each model's place are what the stream says."""
    by_name = {device_id.partition("/")[2]: events for device_id, (_, events) in streams.items()}
    for job in jobs:
        assert job["state"] == "succeeded"
        assert job["route"]["message"]
        if job["route"]["queue"].startswith("cpu."):
            assert job["result"]["device"] == "cpu"
            assert job["route"]["reason"] in {"cpu_faster", "insufficient_vram", "no_gpu_device"}
            continue
        assert job["route"]["device"].endswith(job["result"]["device"])
        events = by_name[job["result"]["device"]]
        for model_id, model in job["result"]["models"].items():
            if model["device"] != "cpu":
                assert any(e.op == "loaded" and e.model == model_id for e in events)
            elif model["reason"] not in {None, "cpu_only"}:
                assert model["reason"] in REASONS
                whys = {e.why for e in events if e.op == "reserve" and e.model == model_id}
                assert model["reason"] in whys
                assert any(
                    note["model"] == model_id and note["message"]
                    for note in job["result"].get("degraded", ())
                )


def check_critical_stay(state: DeviceState, events: Sequence[Event]) -> None:
    """No critical model was ever told to leave, and those that were loaded are there."""
    critical = {e.model for e in events if e.entry and e.entry.priority == "critical"}
    assert critical
    leaving = {State.DRAINING, State.UNLOADING, State.LOST}
    left = [e for e in events if e.model in critical and e.entry and e.entry.state in leaving]
    assert left == []
    assert critical <= {entry.model for entry in state.entries if entry.state is State.READY}


def test_a_card_too_small_for_all_models_serves_all_traffic_and_explains_itself(
    weights: WeightStore, photos: dict[str, Path], tmp_path: Path
) -> None:
    with small_fleet(tmp_path, weights, ["700"]) as fleet, ledger_of(fleet) as ledger:
        jobs = drive(fleet, photos, rounds=6)
        streams = check_streams(ledger)
        check_explained(jobs, streams)
        [(state, events)] = streams.values()

        check_critical_stay(state, events)
        on_device = [job for job in jobs if job["route"]["queue"].startswith("gpu.")]
        assert len(on_device) > len(jobs) / 4
        assert all(job["result"]["simulated"] for job in on_device)
        elsewhere = [job for job in jobs if job["route"]["queue"].startswith("cpu.")]
        assert {job["route"]["reason"] for job in elsewhere} & {"insufficient_vram", "cpu_faster"}


def test_two_small_cards_share_the_traffic_and_swap_models(
    weights: WeightStore, photos: dict[str, Path], tmp_path: Path
) -> None:
    # No gate, and nearly all of the cards for the classes that may be pushed out.
    settings = {"vram_policy": "gdsf", "vram_flexible_share": 20_000}
    with (
        small_fleet(tmp_path, weights, ["400", "400"], **settings) as fleet,
        ledger_of(fleet) as ledger,
    ):
        jobs = drive(fleet, photos, rounds=4)
        streams = check_streams(ledger)
        check_explained(jobs, streams)

        assert len(streams) == 2
        assert {state.device.kind for state, _ in streams.values()} == {"simulated"}
        used = {job["route"]["device"] for job in jobs if job["route"]["device"]}
        assert used == set(streams)
        evicted = 0
        for state, events in streams.values():
            check_critical_stay(state, events)
            victims = [e for e in events if e.op == "reserve" and e.why == "evicted"]
            assert state.counters.get("evictions", 0) == len(victims)
            evicted += len(victims)
        assert evicted > 0
