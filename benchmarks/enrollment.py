"""Many people enrolled through the whole service, with kills; the report checked against all."""

import threading
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.console import Console

from benchmarks.baseline import fetch, machine_facts
from benchmarks.bulk_watch import KILLED, kill, seconds_since
from benchmarks.enrollment_check import Checked, check_enrollment
from benchmarks.enrollment_photos import People, write_people
from benchmarks.errors import BenchmarkFailed
from benchmarks.stack import Stack, running_stack
from cli.launcher.cores import usable_cores
from client import Batch, Client
from workers.settings.process import Settings

SCHEMA = 1
#: Longest time for all photos to be enrolled.
ENROL_SECONDS = 3600.0
#: Share of the photos that are in the batch when the gateway is killed, and that have ended when
#: the worker and the store are.
GATEWAY_SHARE, WORKER_SHARE, STORE_SHARE = 0.3, 0.2, 0.5
COLLECTION, CONTROL = "killed", "undisturbed"
_LOOK_SECONDS = 0.05


def measure_enrollment(
    settings: Settings,
    *,
    folder: Path,
    photos: int,
    killed: Sequence[str],
    control: bool,
    console: Console,
) -> dict[str, Any]:
    """Measure and answer the report.

    Args:
        settings: What shapes the work: weights, threads, size of the pool.
        folder: Photos of people, see write_people.
        photos: How many files the archive has.
        killed: Processes that are killed on the way, of KILLED.
        control: Whether the archive is enrolled once more, without kills, and both are compared.
        console: Where progress is told.

    Raises:
        BenchmarkFailed: the fleet does not work, or something was lost or done twice.
    """
    if unknown := set(killed) - set(KILLED):
        raise BenchmarkFailed(f"'{min(unknown)}' can't be killed; one of {', '.join(KILLED)} can.")
    warm = fetch(settings, console)["astronaut"].read_bytes()
    processes = settings.worker_concurrency or max(1, usable_cores() // settings.ort_threads)
    with TemporaryDirectory(prefix="facesocial-enrolment-") as place:
        archive = Path(place) / "people.zip"
        people = write_people(archive, folder, photos)
        console.print("Starting the stack ...")
        with running_stack(settings, processes=processes) as stack, stack.client() as client:
            client.wait(client.analyze(warm), timeout_seconds=120)
            run = _Run(stack, client, archive, people, console)
            checked, seconds = run.enrol(COLLECTION, killed)
            compared = _compared(checked, run.enrol(CONTROL, ())[0]) if control else None
            console.print("Stopping the stack ...")
    report = checked.report
    return {
        "schema": SCHEMA,
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine_facts(opencv_threads=1),
        "files": photos,
        "photos": people.kinds,
        "troubles": len(people.refused) + len(people.twins),
        "worker_processes": processes,
        "killed": run.killed_at,
        "seconds": seconds,
        "photos_per_second": round(photos / seconds, 1),
        # Numbers alone: the photos show real people.
        "report": {name: report[name] for name in ("photos", "persons", "reasons")},
        "conflicts": len(report["conflicts"]),
        "compared": compared,
    }


class _Run:
    def __init__(
        self, stack: Stack, client: Client, archive: Path, people: People, console: Console
    ) -> None:
        self._stack = stack
        self._client = client
        self._archive = archive
        self._people = people
        self._console = console
        #: By what was killed, how many items the batch had or had ended then.
        self.killed_at: dict[str, int] = {}
        #: Items of the batch.
        self._items = len(people.persons) + len(people.refused)

    def enrol(self, collection: str, killed: Sequence[str]) -> tuple[Checked, float]:
        """Enrol the archive into a new collection; what came of it, and how long it took."""
        self._client.collections.create(collection)
        self._console.print(f"Sending {self._items} photos to '{collection}' ...")
        begun = time.monotonic()
        if "gateway" in killed:
            self._kill_on_the_way()
        batch = self._client.collections.enroll(
            self._archive, collection=collection, people="manifest", face="center"
        )
        batch = self._await_end(batch, killed)
        seconds = seconds_since(begun)
        if missing := set(killed) - set(self.killed_at):
            raise BenchmarkFailed(f"It ended before {', '.join(missing)} could be killed.")
        if batch.counts.total != self._items:
            raise BenchmarkFailed(f"The batch has {batch.counts.total} items.")
        return check_enrollment(self._stack, batch.id, collection, self._people), seconds

    def _kill_on_the_way(self) -> None:
        """Kill the gateway once, while it takes the photos."""

        def watch() -> None:
            with self._stack.client() as client:
                while (there := _largest(client)) < GATEWAY_SHARE * self._items:
                    time.sleep(_LOOK_SECONDS)
            self._kill("gateway", there)

        threading.Thread(target=watch, daemon=True).start()

    def _await_end(self, batch: Batch, killed: Sequence[str]) -> Batch:
        shares = {"worker": WORKER_SHARE, "store": STORE_SHARE}
        waiting = [name for name in shares if name in killed]

        def look(seen: Batch) -> None:
            if waiting and seen.counts.ended >= shares[waiting[0]] * self._items:
                self._kill(waiting.pop(0), seen.counts.ended)

        return self._client.batches.wait(batch, timeout_seconds=ENROL_SECONDS, on_look=look)

    def _kill(self, name: str, items: int) -> None:
        self._console.print(f"Killing {name} at {items} items ...")
        kill(self._stack, name)
        self.killed_at[name] = items


def _largest(client: Client) -> int:
    """Items of the largest of the latest batches."""
    return max((one.counts.total for one in client.batches.list(limit=5).items), default=0)


def _compared(first: Checked, second: Checked) -> Mapping[str, int]:
    """How many photos ended alike in both runs, and how many resemble the same other person.

    Of the same photo sent twice, and of two persons who resemble each other, whoever comes first is
    enrolled without a word: these may differ.
    """
    ends = [
        {row["file"]: (row["outcome"], row["code"]) for row in one.rows} for one in (first, second)
    ]
    differing = {name for name, end in ends[0].items() if ends[1][name] != end}
    pairs = [
        {frozenset((one["person_id"], one["similar_to"]["person_id"])) for one in found}
        for found in (first.report["conflicts"], second.report["conflicts"])
    ]
    return {
        "alike": len(ends[0]) - len(differing),
        "differing": len(differing),
        "similar_pairs_of_both": len(pairs[0] & pairs[1]),
        "similar_pairs_of_one": len(pairs[0] ^ pairs[1]),
    }
