"""Batches whose results may name people: these stay until the whole batch has expired."""

import time
from collections.abc import Iterable, Sequence

from api.services import Services
from workers.batch_records import Batch, BatchOptions
from workers.batches import MOST_LISTED
from workers.identities.trace_records import Certificate
from workers.job_options import EnrollOptions


def naming_batches(parts: Services, owner: str) -> Sequence[Batch]:
    """An owner's batches whose results name people."""
    page = parts.batches.list(owner, limit=MOST_LISTED)
    found = list(page.batches)
    while page.after:
        page = parts.batches.list(owner, limit=MOST_LISTED, after=page.after)
        found += page.batches
    return [batch for batch in found if _collection(batch.options)]


def results_expire_ms(
    certificate: Certificate, batches: Iterable[Batch], *, ttl_seconds: int
) -> int:
    """When the last result expires that may name who was deleted.

    An item of a batch that had named somebody before the deletion can be read until the batch
    expires, and that is not known before it ends: until then this moves on.

    Args:
        certificate: Of the deletion; it counts the results of single jobs.
        batches: Of `naming_batches`.
        ttl_seconds: For how long a batch that has ended can be read.
    """
    not_before = time.time_ns() // 1_000_000 + ttl_seconds * 1000
    ends = [
        batch.expires_ms or not_before
        for batch in batches
        if _collection(batch.options) == certificate.collection_uid
        and batch.created_ms <= certificate.deleted_ms
    ]
    return max([certificate.results_expire_ms, *ends])


def _collection(options: BatchOptions) -> str:
    """Uid of the collection that items are named by or enrolled in; "": none."""
    if isinstance(options, EnrollOptions):
        return options.collection
    return options.identify.collection if options.identify else ""
