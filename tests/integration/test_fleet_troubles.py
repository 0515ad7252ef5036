"""A live fleet that runs out of memory, or whose store is away: it serves on and says what was."""

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import redis

from cli.local_fleet import LocalFleet, local_fleet
from client import Client, Job, Overloaded, Retries
from models.weights.store import WeightStore
from vram.invariants import StreamCheck
from vram.records import DeviceState, Event, State
from vram.redis_ledger import RedisLedger
from workers.settings.process import environment_of

pytestmark = [pytest.mark.fleet, pytest.mark.redis, pytest.mark.weights]

ALL = {"analyses": "all"}
#: How long the store is away.
AWAY_SECONDS = 30


class OwnStore:
    """A server on loopback that the test may kill and start again, with its data."""

    def __init__(self, binary: Path, folder: Path, port: int) -> None:
        self._argv = [str(binary), "--bind", "127.0.0.1", "--port", str(port)]
        self._argv += ["--appendonly", "yes", "--save", "", "--maxmemory-policy", "noeviction"]
        self._folder = folder
        self.url = f"redis://127.0.0.1:{port}/0"
        self._process = self._start()

    def kill(self) -> None:
        self._process.kill()
        self._process.wait(timeout=60)

    def start(self) -> None:
        self._process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        with (self._folder / "store.log").open("ab") as log:
            return subprocess.Popen(self._argv, cwd=self._folder, stdout=log, stderr=log)


@contextmanager
def fleet_on(
    store: OwnStore, folder: Path, weights: WeightStore, **settings: object
) -> Iterator[LocalFleet]:
    """A fleet with one simulated card on a store of the test's own."""
    environment = {
        **os.environ,  # noqa: TID251 - handed to the fleet
        **environment_of(
            data_dir=folder / "data",
            weights_dir=weights.root.absolute(),
            redis_url=store.url,
            port=0,
            job_lease_seconds=5,
            job_resend_seconds=3,
            vram_events_kept=1_000_000,
            vram_observe_seconds=1,
            log_format="json",
            **settings,
        ),
    }
    arguments = ("--no-flower", "--simulate-gpu", "6144")
    with local_fleet(environment, log=folder / "up.log", arguments=arguments) as fleet:
        yield fleet


@pytest.fixture
def own_store(
    valkey_binary: Path, tmp_path: Path, pick_port: Callable[[], int]
) -> Iterator[OwnStore]:
    store = OwnStore(valkey_binary, tmp_path, pick_port())
    try:
        yield store
    finally:
        store.kill()


@pytest.fixture
def ledger(own_store: OwnStore) -> Iterator[RedisLedger]:
    """The fleet's ledger, read from outside."""
    with redis.Redis.from_url(own_store.url) as client:
        yield RedisLedger(client, silent_seconds=15)


def checked(ledger: RedisLedger) -> tuple[DeviceState, list[Event]]:
    """The card and its events, which violate nothing."""
    [state] = ledger.devices()
    events = list(ledger.follow(state.device.id))
    assert StreamCheck(state.device).feed(events) == []
    return state, events


def await_card(ledger: RedisLedger, ready: Callable[[DeviceState], bool]) -> DeviceState:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        states = ledger.devices()
        if states and ready(states[0]):
            return states[0]
        time.sleep(0.2)
    pytest.fail(f"the card did not come to that state: {ledger.devices()}")


def loads_on(device: str, log: Path, since: datetime, until: datetime) -> list[dict[str, Any]]:
    """The loads on a device that the fleet's log tells of, in a span of time."""
    lines = (line.partition("│")[2].strip() for line in log.read_text().splitlines())
    told = [json.loads(line) for line in lines if line.startswith("{")]
    return [
        event
        for event in told
        if event["event"] == "residency.loaded"
        and event["device"] == device
        and since <= datetime.fromisoformat(event["timestamp"]) <= until
    ]


def ends(client: Client, jobs: list[Job]) -> list[dict[str, Any]]:
    return [client.wait(job, timeout_seconds=180).model_dump(mode="json") for job in jobs]


@pytest.mark.parametrize(
    "faults",
    [
        (
            "out_of_memory@load:cydral_gender*1",
            "out_of_memory@first_run:cydral_age*1",
            "out_of_memory@run:sface*1",
        ),
        ("out_of_memory@run:sface*40", "out_of_memory@load:facesocial_deepfake*3"),
        ("device_fault@run:cydral_age*1",),
    ],
    ids=["once", "again_and_again", "for_good"],
)
def test_a_card_that_runs_out_of_memory_serves_on_and_says_so(
    own_store: OwnStore,
    ledger: RedisLedger,
    tmp_path: Path,
    weights: WeightStore,
    photos: dict[str, Path],
    faults: tuple[str, ...],
) -> None:
    with (
        fleet_on(own_store, tmp_path, weights, simulated_faults=faults) as fleet,
        Client(fleet.url, key=fleet.key) as client,
    ):
        await_card(ledger, lambda state: state.alive)

        jobs = ends(client, [client.analyze(photos["t1"], **ALL) for _ in range(16)])
        more = ends(client, [client.analyze(photos["astronaut"], **ALL) for _ in range(4)])

        assert {len(job["result"]["faces"]) for job in jobs} == {6}
        assert all(job["result"]["unavailable"] == {} for job in (*jobs, *more))
        state, events = checked(ledger)
        if any(fault.startswith("out_of_memory@run") for fault in faults):
            told = [note for job in jobs for note in job["result"].get("degraded", ())]
            assert {note["model"] for note in told} >= {"sface"}
            assert state.counters["out_of_memory"] >= 1
            assert any(event.op == "out_of_memory" for event in events)
        # Once it has been read: nothing is foreign, and the card holds no more than is booked. It
        # holds less where an arena was shrunk.
        settled = await_card(
            ledger,
            lambda card: (
                card.alive
                and card.foreign_mib == 0
                and 0 < (card.observed_mib or 0) <= card.physical_mib
                # The keeper may still be loading again what was thrown out.
                and {entry.state for entry in card.entries} == {State.READY}
            ),
        )
        assert settled.entries


def test_a_store_away_for_half_a_minute_costs_no_job_and_admits_nothing(
    own_store: OwnStore,
    ledger: RedisLedger,
    tmp_path: Path,
    weights: WeightStore,
    photos: dict[str, Path],
) -> None:
    with (
        fleet_on(own_store, tmp_path, weights) as fleet,
        Client(fleet.url, key=fleet.key) as client,
    ):
        await_card(ledger, lambda state: state.alive)
        log = tmp_path / "up.log"
        pids = {name: fleet.pid(name) for name in ("gateway", "worker-cpu", "worker-gpu0", "beat")}
        sent = [client.analyze(photos["t1"], priority="batch", **ALL) for _ in range(40)]

        own_store.kill()
        killed_at = datetime.now(UTC)
        time.sleep(AWAY_SECONDS)
        back_at = datetime.now(UTC)
        with (
            Client(fleet.url, key=fleet.key, retries=Retries(attempts=1)) as hasty,
            pytest.raises(Overloaded, match="did not answer"),
        ):
            hasty.analyze(photos["t1"])
        own_store.start()

        assert {job["state"] for job in ends(client, sent)} == {"succeeded"}
        again = ends(client, [client.analyze(photos["astronaut"], **ALL) for _ in range(4)])
        assert all(job["result"]["unavailable"] == {} for job in again)
        await_card(ledger, lambda state: state.alive and state.foreign_mib == 0)
        checked(ledger)
        assert loads_on("sim:6144", log, killed_at, back_at) == []
        assert loads_on("sim:6144", log, killed_at - timedelta(hours=1), killed_at)
        # Nothing of the fleet had to be started again.
        assert pids == {name: fleet.pid(name) for name in pids}
