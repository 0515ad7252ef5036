"""What happens when processes of a fleet are killed or hang: every job ends, once."""

import time
from collections import Counter
from pathlib import Path
from typing import cast

import httpx
import psutil
import pytest
import redis

from cli.local_fleet import LocalFleet
from client import Client, Job

pytestmark = [pytest.mark.fleet, pytest.mark.redis, pytest.mark.weights]

ANALYZE = "/api/v1/face/analyze"
EVENTS = "fs:{jobs}:events"
LEASES = "fs:{jobs}:leases"
#: A killed worker's job comes back after its lease (3 s), the next maintenance round (2 s), and
#: a restart of the worker on a machine that does other things too.
RECOVERY_SECONDS = 90


def ends_of(client: Client, store: redis.Redis, jobs: list[Job]) -> Counter[str]:
    """How often each job ended, by the event stream; waits until each has."""
    for job in jobs:
        assert client.wait(job, timeout_seconds=RECOVERY_SECONDS).state == "succeeded"
    events = cast("list[tuple[str, dict[str, str]]]", store.xrange(EVENTS))
    ended = Counter(
        fields["job"] for _, fields in events if fields["state"] in {"succeeded", "failed"}
    )
    return Counter({job.id: ended[job.id] for job in jobs})


def test_jobs_of_killed_workers_end_once(
    client: Client, store: redis.Redis, fleet: LocalFleet, photos: dict[str, Path]
) -> None:
    jobs = [client.analyze(photos["t1"]) for _ in range(24)]
    _await_running(store)

    _kill(fleet, "worker-gpu0")
    _kill(fleet, "worker-cpu")

    assert set(ends_of(client, store, jobs).values()) == {1}


def test_a_killed_pool_process_costs_no_job(
    client: Client, store: redis.Redis, fleet: LocalFleet, photos: dict[str, Path]
) -> None:
    jobs = [client.analyze(photos["t1"], priority="batch") for _ in range(12)]
    _await_running(store)

    for name in ("worker-gpu0", "worker-cpu"):
        for child in psutil.Process(fleet.pid(name)).children():
            child.kill()

    assert set(ends_of(client, store, jobs).values()) == {1}


def test_a_killed_store_comes_back_with_every_acknowledged_job(
    client: Client, store: redis.Redis, fleet: LocalFleet, photos: dict[str, Path]
) -> None:
    jobs = [client.analyze(photos["t1"]) for _ in range(12)]
    pid = fleet.pid("store")

    _kill(fleet, "store")

    _await_new_pid(fleet, "store", pid)
    assert set(ends_of(client, store, jobs).values()) == {1}


def test_a_store_that_hangs_is_told_in_bounded_time(
    client: Client, http: httpx.Client, fleet: LocalFleet, photos: dict[str, Path]
) -> None:
    server = psutil.Process(fleet.pid("store"))
    server.suspend()
    try:
        started = time.monotonic()
        with photos["astronaut"].open("rb") as content:
            response = http.post(ANALYZE, files={"image": content})
        took_seconds = time.monotonic() - started
    finally:
        server.resume()

    assert (response.status_code, response.json()["code"]) == (503, "store_unavailable")
    assert took_seconds < 15
    job = client.analyze(photos["astronaut"])
    assert client.wait(job, timeout_seconds=RECOVERY_SECONDS).state == "succeeded"


def test_a_killed_gateway_comes_back(
    client: Client, fleet: LocalFleet, photos: dict[str, Path]
) -> None:
    job = client.analyze(photos["astronaut"])

    _kill(fleet, "gateway")

    assert client.wait(job, timeout_seconds=RECOVERY_SECONDS).state == "succeeded"


def _kill(fleet: LocalFleet, name: str) -> None:
    """SIGKILL a process of the fleet with everything it has started."""
    main = psutil.Process(fleet.pid(name))
    for process in (main, *main.children(recursive=True)):
        process.kill()


def _await_running(store: redis.Redis) -> None:
    deadline = time.monotonic() + 60
    while not store.zcard(LEASES):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def _await_new_pid(fleet: LocalFleet, name: str, old: int) -> None:
    deadline = time.monotonic() + 60
    while fleet.pid(name) == old or not psutil.pid_exists(fleet.pid(name)):
        assert time.monotonic() < deadline
        time.sleep(0.05)
