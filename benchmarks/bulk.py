"""A batch of many photos through the whole service: accepted, analysed, exported, with kills."""

import csv
import io
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
from rich.console import Console

from benchmarks.baseline import fetch, machine_facts
from benchmarks.bulk_photos import item_id, tiny, write_archive
from benchmarks.bulk_watch import KILLED, MemoryWatch, kill, seconds_since
from benchmarks.errors import BenchmarkFailed
from benchmarks.stack import Stack, running_stack
from cli.launcher.cores import usable_cores
from client import Batch, Client
from workers.settings.process import Settings

SCHEMA = 1
#: What must hold; see docs/reference/limits.md.
ACCEPT_SECONDS = 30.0
GROWTH_MIB = 64.0
#: Longest time for all photos to be analysed.
ANALYSE_SECONDS = 3600.0
#: Shares of the items that are done when the worker and the store are killed.
WORKER_SHARE, STORE_SHARE = 0.2, 0.5
#: Share of the items that are in the batch when the gateway is killed.
GATEWAY_SHARE = 0.3
_SAMPLE = "astronaut"


class Accepting:
    """When the last byte was sent and the answer came, of the try that succeeded."""

    def __init__(self) -> None:
        self._sent_at: float | None = None
        self.sent = threading.Event()

    def progress(self, sent_bytes: int, total_bytes: int) -> None:
        """Called by the client while it sends."""
        if sent_bytes >= total_bytes:
            self._sent_at = time.monotonic()
            self.sent.set()

    def seconds(self) -> float:
        """From the last byte until now.

        Raises:
            BenchmarkFailed: nothing was sent.
        """
        if self._sent_at is None:
            raise BenchmarkFailed("The archive was not sent to its end.")
        return seconds_since(self._sent_at)


def measure_bulk(
    settings: Settings, *, items: int, photo_kib: int, killed: Sequence[str], console: Console
) -> dict[str, Any]:
    """Measure and answer the report.

    Args:
        settings: What shapes the work: weights, threads, size of the pool.
        items: Photos of the batch.
        photo_kib: Least size of each file.
        killed: Processes that are killed on the way, of KILLED.
        console: Where progress is told.

    Raises:
        BenchmarkFailed: the fleet does not work, or something was lost or done twice.
    """
    if unknown := set(killed) - set(KILLED):
        raise BenchmarkFailed(f"'{min(unknown)}' can't be killed; one of {', '.join(KILLED)} can.")
    photo = tiny(fetch(settings, console)[_SAMPLE])
    processes = settings.worker_concurrency or max(1, usable_cores() // settings.ort_threads)
    with TemporaryDirectory(prefix="facesocial-bulk-") as folder:
        archive = Path(folder) / "photos.zip"
        write_archive(archive, photo, items, photo_kib=photo_kib)
        console.print("Starting the stack ...")
        with running_stack(settings, processes=processes) as stack, stack.client() as client:
            client.wait(client.analyze(photo, analyses="detection"), timeout_seconds=120)
            measured = _measure(stack, client, archive, items, killed, console)
            console.print("Stopping the stack ...")
        archive_mib = round(archive.stat().st_size / 2**20, 1)
    return {
        "schema": SCHEMA,
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine_facts(opencv_threads=1),
        "items": items,
        "archive_mib": archive_mib,
        "worker_processes": processes,
        "killed": list(killed),
        **measured,
    }


def _measure(
    stack: Stack,
    client: Client,
    archive: Path,
    items: int,
    killed: Sequence[str],
    console: Console,
) -> dict[str, Any]:
    accepting = Accepting()
    console.print(f"Sending {items} photos ...")
    begun = time.monotonic()
    with MemoryWatch(stack) as memory:
        if "gateway" in killed:
            _kill_on_the_way(stack, accepting, items, console)
        batch = client.batches.submit(archive, progress=accepting.progress, analyses="detection")
        accept_seconds = accepting.seconds()
    sent_seconds = seconds_since(begun)
    console.print(f"Accepted {accept_seconds} s after the last byte; waiting ...")
    batch = _await_end(stack, client, batch, items, killed, console)
    analysed_seconds = seconds_since(begun)
    checks = {
        "counts": _check_counts(batch, items),
        "ndjson": _export(stack, batch, "ndjson", lambda text: check_lines(text, items)),
        "csv": _export(stack, batch, "csv", lambda text: check_rows(text, items)),
    }
    growth_mib = round(memory.peak_mib - memory.before_mib, 1)
    return {
        "accept_seconds": accept_seconds,
        "accept_limit_seconds": ACCEPT_SECONDS,
        "submit_seconds": sent_seconds,
        "gateway_before_mib": round(memory.before_mib, 1),
        "gateway_growth_mib": growth_mib,
        "gateway_growth_limit_mib": GROWTH_MIB,
        "analysed_seconds": analysed_seconds,
        "items_per_second": round(items / analysed_seconds, 1),
        **checks,
        "within_limits": accept_seconds <= ACCEPT_SECONDS and growth_mib <= GROWTH_MIB,
    }


def _kill_on_the_way(stack: Stack, accepting: Accepting, items: int, console: Console) -> None:
    """Kill the gateway once, while it takes the photos."""

    def watch() -> None:
        accepting.sent.wait()
        with stack.client() as client:
            while not any(one.counts.total > GATEWAY_SHARE * items for one in _batches(client)):
                time.sleep(0.05)
        console.print("Killing gateway ...")
        kill(stack, "gateway")

    threading.Thread(target=watch, daemon=True).start()


def _batches(client: Client) -> Sequence[Batch]:
    return client.batches.list(limit=5).items


def _await_end(
    stack: Stack,
    client: Client,
    batch: Batch,
    items: int,
    killed: Sequence[str],
    console: Console,
) -> Batch:
    shares = {"worker": WORKER_SHARE, "store": STORE_SHARE}
    waiting = [name for name in shares if name in killed]

    def look(seen: Batch) -> None:
        if waiting and seen.counts.ended >= shares[waiting[0]] * items:
            name = waiting.pop(0)
            console.print(f"Killing {name} after {seen.counts.ended} items ...")
            kill(stack, name)

    ended = client.batches.wait(batch, timeout_seconds=ANALYSE_SECONDS, on_look=look)
    if waiting:
        raise BenchmarkFailed(f"The batch ended before {', '.join(waiting)} could be killed.")
    return ended


def _check_counts(batch: Batch, items: int) -> dict[str, int]:
    counts = batch.counts
    if (counts.total, counts.succeeded, batch.state) != (items, items, "succeeded"):
        raise BenchmarkFailed(f"The batch ended as {batch.state} with {counts}.")
    return {"total": counts.total, "succeeded": counts.succeeded, "failed": counts.failed}


def _export(
    stack: Stack, batch: Batch, format_: str, check: Callable[[str], int]
) -> dict[str, float]:
    """Fetch all results as one file and check it; what it took."""
    begun = time.monotonic()
    response = httpx.get(
        f"{stack.url}/api/v1/batch/results/{batch.id}?format={format_}",
        headers={"X-API-Key": stack.key},
        timeout=600,
        trust_env=False,
    )
    response.raise_for_status()
    return {"seconds": seconds_since(begun), "items": check(response.text)}


def check_lines(text: str, items: int) -> int:
    """The number of items of an NDJSON export.

    Raises:
        BenchmarkFailed: one is missing or there twice.
    """
    found = Counter(json.loads(line)["id"] for line in text.splitlines())
    return _check_ids(found, items)


def check_rows(text: str, items: int) -> int:
    """The same of a CSV export."""
    # A photo has a row for each face; its faces are numbered.
    rows = csv.DictReader(io.StringIO(text))
    return _check_ids(Counter(row["id"] for row in rows if row["face"] in {"", "1"}), items)


def _check_ids(found: Counter[str], items: int) -> int:
    if found != Counter(map(item_id, range(items))):
        raise BenchmarkFailed("An item is missing in the export, or there twice.")
    return len(found)
