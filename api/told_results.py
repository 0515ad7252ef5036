"""Results as they are told: with the persons opened whom workers have sealed in them."""

import zlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace

from pydantic import BaseModel

from api.services import Services
from workers.batches.records import Batch, Item
from workers.errors import StoreUnavailable
from workers.identities.told_persons import told_results
from workers.jobs.store import Job


def collection_of(options: BaseModel) -> str:
    """Uid of the collection whose persons the results of these options tell of; "": of none."""
    named_by = getattr(options, "identify", None) or options
    return str(getattr(named_by, "collection", ""))


def told_job(parts: Services, job: Job) -> Job:
    """A job whose result can be told; the very one that was given where nobody is in it.

    Raises:
        StoreUnavailable: who was deleted can't be read.
    """
    if job.result_json is None:
        return job
    [told] = _told(parts, job.options, [job.result_json])
    return job if told is job.result_json else replace(job, result_json=told)


def told_items(parts: Services, batch: Batch, items: Sequence[Item]) -> Iterator[Item]:
    """The same of items of a batch, all together.

    Raises:
        StoreUnavailable: see `told_job`.
    """
    results = [item.result_json for item in items if item.result_json is not None]
    told = iter(_told(parts, batch.options, results))
    for item in items:
        yield item if item.result_json is None else replace(item, result_json=next(told))


def result_tag(job: Job) -> str:
    """Tells a job's result from what it was while its persons could be read, or could not yet."""
    return f"{zlib.crc32((job.result_json or '').encode()):08x}"


def _told(parts: Services, options: BaseModel, texts: Sequence[str]) -> Sequence[str]:
    uid = collection_of(options)
    if not uid or not texts:
        return texts
    found = told_results(parts.identities, uid, texts)
    if found.unreadable:
        with suppress(StoreUnavailable):  # it was logged, and is told
            parts.identities.forgetting.note_unreadable(found.unreadable)
    return found.texts
