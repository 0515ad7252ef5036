"""The periodic work: what nobody needs is deleted, and batches are looked after."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from workers.batches.records import NewBatch, NewItem, item_blob_key
from workers.blobs.store import MemoryBlobs
from workers.contract import AnalyzeOptions
from workers.dispatch import MemoryJobQueue
from workers.errors import JobUnreadable
from workers.jobs.memory_store import MemoryJobs
from workers.jobs.store import Claim, Job
from workers.maintenance import Maintenance
from workers.settings.process import Settings
from workers.stores import Stores


@pytest.fixture
def maintenance(stores: Stores) -> Maintenance:
    return Maintenance(stores, orphan_seconds=900)


def test_only_old_images_that_nobody_needs_are_swept(
    maintenance: Maintenance,
    jobs: MemoryJobs,
    blobs: MemoryBlobs,
    submit: Callable[[str], str],
    now: list[float],
) -> None:
    queued, running, ended, unknown, fresh = (f"job_{number:032x}" for number in range(5))
    for job_id in (queued, running, ended):
        submit(job_id)
    jobs.claim(running, claim_id="r")
    claim = jobs.claim(ended, claim_id="e")
    assert isinstance(claim, Claim)
    jobs.succeed(claim, "{}")
    blobs.put(unknown, b"x")
    blobs.put("something else", b"x")
    assert maintenance.sweep_blobs() == 0
    now[0] += 901
    blobs.put(fresh, b"x")

    assert maintenance.sweep_blobs() == 2

    assert set(blobs.older_than(-1)) == {queued, running, fresh, "something else"}


def test_a_job_that_can_t_be_read_keeps_its_image_and_stops_no_sweep(
    stores: Stores, settings: Settings, blobs: MemoryBlobs, now: list[float]
) -> None:
    unreadable, orphan = (f"job_{number:032x}" for number in range(2))

    class NewerJobs(MemoryJobs):
        def get(self, job_id: str) -> Job:
            if job_id == unreadable:
                raise JobUnreadable(job_id)
            return super().get(job_id)

    jobs = NewerJobs(settings, clock=lambda: now[0])
    maintenance = Maintenance(replace(stores, jobs=jobs), orphan_seconds=900)
    for key in (unreadable, orphan):
        blobs.put(key, b"x")
    now[0] += 901

    assert maintenance.sweep_blobs() == 1
    assert list(blobs.older_than(-1)) == [unreadable]


BATCH = f"batch_{7:032x}"


def _photo(name: str) -> NewItem:
    return NewItem(custom_id=name, blob_key=item_blob_key(BATCH, name, "sha"), sha256="sha")


def test_items_nobody_has_made_a_chunk_of_are_sent_to_workers(
    maintenance: Maintenance, stores: Stores, queue: MemoryJobQueue
) -> None:
    stores.batches.create(NewBatch(id=BATCH, options=AnalyzeOptions()))
    stores.batches.add_items(BATCH, [_photo(f"{number}") for number in range(64)])

    maintenance.dispatch()

    sent = [queue.take(), queue.take()]
    assert [message and message[1] for message in sent] == ["cpu.bulk", "cpu.bulk"]
    assert queue.take() is None
    assert stores.batches.get(BATCH).counts.running == 32


def test_photos_of_a_batch_are_swept_once_nobody_can_need_them(
    maintenance: Maintenance, stores: Stores, blobs: MemoryBlobs, now: list[float]
) -> None:
    photo = _photo("a")
    stores.batches.create(NewBatch(id=BATCH, options=AnalyzeOptions()))
    stores.batches.add_items(BATCH, [photo])
    blobs.put(photo.blob_key, b"x")
    blobs.put(item_blob_key(f"batch_{8:032x}", "of an unknown batch", "sha"), b"x")
    now[0] += 901

    assert maintenance.sweep_blobs() == 1
    assert list(blobs.older_than(-1)) == [photo.blob_key]

    stores.batches.cancel(BATCH)
    assert maintenance.sweep_blobs() == 1


def test_parts_of_uploads_are_left_alone_as_long_as_an_upload_may_take(
    stores: Stores, blobs: MemoryBlobs, now: list[float]
) -> None:
    maintenance = Maintenance(stores, orphan_seconds=900, piece_seconds=3600)
    for kind in ("upload", "spool"):
        blobs.put(f"{kind}_{1:032x}.0", b"x")
    now[0] += 3599
    blobs.put(f"upload_{2:032x}.7", b"x")
    assert maintenance.sweep_blobs() == 0
    now[0] += 2

    assert maintenance.sweep_blobs() == 2
