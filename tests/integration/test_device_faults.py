"""A fleet whose simulated device fails in its worker's hands: jobs end, and say what happened."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cli.local_fleet import LocalFleet, local_fleet
from client import Client
from models.weights.store import WeightStore
from workers.settings.process import environment_of

pytestmark = [pytest.mark.fleet, pytest.mark.redis, pytest.mark.weights]


@pytest.fixture
def faulty(weights: WeightStore, tmp_path: Path) -> Iterator[LocalFleet]:
    """A fleet whose device runs out of memory, then breaks, in each process of its worker."""
    environment = {
        **os.environ,  # noqa: TID251 - handed to the fleet
        **environment_of(
            data_dir=tmp_path / "data",
            weights_dir=weights.root.absolute(),
            port=0,
            breaker_failures=100,
            simulated_faults=(
                "out_of_memory@load:landmarks68",
                "out_of_memory@run:sface",
                "device_fault@run:cydral_age*1",
            ),
        ),
    }
    arguments = ("--no-flower", "--simulate-gpu", "700")
    with local_fleet(environment, log=tmp_path / "up.log", arguments=arguments) as fleet:
        yield fleet


def _degraded(job: dict[str, Any]) -> set[tuple[str, str, str]]:
    notes = job["result"].get("degraded", ())
    return {(note["model"], note["step"], note["reason"]) for note in notes}


def _log_with_second_start(fleet: LocalFleet) -> str:
    """The device's worker's log, once its second process serves."""
    path, deadline = fleet.data.root / "logs" / "worker-gpu0.log", time.monotonic() + 120
    while (log := path.read_text(encoding="utf-8")).count("worker.ready") < 2:
        assert time.monotonic() < deadline, log
        time.sleep(0.1)
    return log


def test_every_job_ends_and_tells_and_a_broken_process_is_replaced_between_two_jobs(
    faulty: LocalFleet, photos: dict[str, Path]
) -> None:
    with Client(faulty.url, key=faulty.key) as client:

        def done(analyses: str) -> dict[str, Any]:
            job = client.analyze(photos["astronaut"], analyses=analyses)
            return client.wait(job, timeout_seconds=90).model_dump(mode="json")

        # Until the device is up the CPU takes the jobs.
        deadline = time.monotonic() + 60
        jobs = [done("recognition,demographics")]
        while jobs[-1]["result"]["device"] != "sim:700" and time.monotonic() < deadline:
            jobs.append(done("recognition,demographics"))
        jobs += [done("recognition") for _ in range(3)]
    log = _log_with_second_start(faulty)

    assert {job["state"] for job in jobs} == {"succeeded"}
    assert {job["attempt"] for job in jobs} == {1}
    on_device = [job for job in jobs if job["result"]["device"] == "sim:700"]
    notes = set[tuple[str, str, str]]().union(*map(_degraded, on_device))
    assert ("sface", "arena_shrunk", "out_of_memory") in notes
    assert ("cydral_age", "cpu", "device_fault") in notes
    assert log.count("worker.recycled") >= 1
    assert "WorkerLost" not in log
    assert "job.given_back" not in log
