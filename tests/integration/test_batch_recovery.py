"""Batches on a fleet whose processes are killed: every item ends, once; the counts are exact."""

import io
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
import redis
import uuid_utils
from PIL import Image

from cli.local_fleet import LocalFleet
from workers.batches.records import (
    Batch,
    BatchCounts,
    BatchState,
    ItemState,
    NewBatch,
    NewItem,
    item_blob_key,
)
from workers.batches.redis_store import RedisBatches
from workers.batches.scripts import BATCH_PREFIX
from workers.blobs.obstore_store import open_blobs
from workers.contract import AnalyzeOptions
from workers.errors import StoreUnavailable
from workers.settings.process import Settings

pytestmark = [pytest.mark.fleet, pytest.mark.redis, pytest.mark.weights]

ITEMS = 60
#: A killed worker's chunk comes back after its lease (3 s), the next maintenance round (2 s), and
#: a restart of the worker on a machine that does other things too.
RECOVERY_SECONDS = 90
OPTIONS = AnalyzeOptions(analyses=("detection",))


@pytest.fixture
def batches(store: redis.Redis) -> RedisBatches:
    return RedisBatches(store, Settings())


@pytest.fixture
def submit(
    batches: RedisBatches, fleet: LocalFleet, photos: dict[str, Path]
) -> Callable[[int], str]:
    """Submits a batch as the gateway does; some of its photos are none."""
    blobs = open_blobs(Settings(data_dir=fleet.data.root).blob_location)

    def _submit(broken: int = 0) -> str:
        batch_id = f"batch_{uuid_utils.uuid7().hex}"
        batches.create(NewBatch(id=batch_id, options=OPTIONS))
        items = []
        for number in range(ITEMS):
            content = b"no photo" if number < broken else _tiny(photos["astronaut"], number)
            key = item_blob_key(batch_id, f"{number}", f"{number}")
            blobs.put(key, content)
            items.append(NewItem(custom_id=f"{number}", blob_key=key, sha256=f"{number}"))
        batches.add_items(batch_id, items)
        batches.close(batch_id)
        return batch_id

    return _submit


def test_a_batch_ends_exactly_although_workers_and_the_store_are_killed(
    batches: RedisBatches, submit: Callable[[int], str], fleet: LocalFleet, store: redis.Redis
) -> None:
    batch = submit(3)

    for succeeded, victim in ((0, "worker-gpu0"), (15, "store"), (30, "worker-cpu")):
        found = _await(batches, batch, _has_more_than(succeeded))
        assert not found.state.is_final
        _kill(fleet, victim)
    ended = _await(batches, batch, lambda found: found.state.is_final)

    assert ended.state is BatchState.PARTIAL
    assert ended.counts == BatchCounts(total=ITEMS, succeeded=ITEMS - 3, failed=3)
    # Each item's end was written once.
    assert store.hget(BATCH_PREFIX + batch, "done") == str(ITEMS)
    items = batches.items(batch, limit=1000).items
    assert [item.number for item in items] == list(range(1, ITEMS + 1))
    assert all(item.result_json for item in items[3:])
    assert {item.error.code for item in items[:3] if item.error} == {"image_undecodable"}


def test_a_cancelled_batch_ends_soon_and_keeps_what_was_found(
    batches: RedisBatches, submit: Callable[[int], str]
) -> None:
    batch = submit(0)
    _await(batches, batch, lambda found: found.counts.succeeded > 0)

    batches.cancel(batch)

    ended = _await(batches, batch, lambda found: found.state.is_final)
    assert ended.state is BatchState.CANCELLED
    assert ended.counts.succeeded + ended.counts.cancelled == ITEMS
    found = batches.items(batch, limit=1000, state=ItemState.SUCCEEDED).items
    assert len(found) == ended.counts.succeeded
    assert all(item.result_json for item in found)


def _tiny(photo: Path, number: int) -> bytes:
    """A small photo like no other."""
    with Image.open(photo) as image:
        small = image.convert("RGB").resize((160, 160))
    small.putpixel((0, 0), (number, 0, 0))
    stored = io.BytesIO()
    small.save(stored, "PNG")
    return stored.getvalue()


def _has_more_than(succeeded: int) -> Callable[[Batch], bool]:
    return lambda found: found.counts.succeeded > succeeded


def _await(batches: RedisBatches, batch_id: str, is_there: Callable[[Batch], bool]) -> Batch:
    deadline = time.monotonic() + RECOVERY_SECONDS
    while True:
        try:
            found = batches.get(batch_id)
        except StoreUnavailable:
            found = None
        if found and (is_there(found) or found.state.is_final):
            return found
        assert time.monotonic() < deadline, found
        time.sleep(0.02)


def _kill(fleet: LocalFleet, name: str) -> None:
    """SIGKILL a process of the fleet with everything it has started."""
    main = psutil.Process(fleet.pid(name))
    for process in (main, *main.children(recursive=True)):
        process.kill()
