"""For how long results tell of somebody who was deleted: by id, and of old ones by name."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from api.services import Services
from api.told_results import collection_of
from workers.batches.records import Batch
from workers.batches.store import MOST_LISTED
from workers.identities.trace_records import Certificate


@dataclass(frozen=True, kw_only=True, slots=True)
class ResultsLeft:
    """Results that were there when somebody was deleted, or came of jobs that ran."""

    #: When the last one expires that may have the person's id, milliseconds since 1970.
    expire_ms: int
    #: When the last one expires that may have the name in the open; None: no result has it.
    named_until_ms: int | None


def naming_batches(parts: Services, owner: str) -> Sequence[Batch]:
    """An owner's batches whose results tell of people."""
    page = parts.batches.list(owner, limit=MOST_LISTED)
    found = list(page.batches)
    while page.after:
        page = parts.batches.list(owner, limit=MOST_LISTED, after=page.after)
        found += page.batches
    return [batch for batch in found if collection_of(batch.options)]


def results_left(
    certificate: Certificate, batches: Iterable[Batch], *, ttl_seconds: int
) -> ResultsLeft:
    """Which results are left of who was deleted, and until when.

    An item of a batch can be read until the batch expires, and that is not known before it ends:
    until then this moves on.

    Args:
        certificate: Of the deletion; it counts the results of single jobs.
        batches: Of `naming_batches`.
        ttl_seconds: For how long a batch that has ended can be read.
    """
    not_before = time.time_ns() // 1_000_000 + ttl_seconds * 1000
    ends = [
        (batch.created_ms, batch.expires_ms or not_before)
        for batch in batches
        if collection_of(batch.options) == certificate.collection_uid
    ]

    def last(since_ms: int) -> int:
        """When the last result of what was begun until then expires."""
        of_jobs_ms = since_ms + certificate.results_expire_ms - certificate.deleted_ms
        return max([of_jobs_ms, *(end for begun, end in ends if begun <= since_ms)])

    sealed_ms = certificate.results_sealed_ms
    if sealed_ms is None:  # it is from before names were sealed, and so may be all results
        sealed_ms = certificate.deleted_ms
    return ResultsLeft(
        expire_ms=last(certificate.deleted_ms),
        named_until_ms=last(sealed_ms) if sealed_ms else None,
    )
