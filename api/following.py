"""Following a job or a batch: each version of it that is seen, until it ends."""

import time
from collections.abc import Callable, Iterator
from typing import TypeVar

from api.services import Services
from workers.batches.records import Batch, BatchState
from workers.errors import BatchNotFound, JobNotFound, StoreUnavailable
from workers.jobs.store import Job

#: Longest silence, seconds: proxies close connections on which nothing is said for a minute.
BEAT_SECONDS = 15.0
_UNENDED = frozenset({BatchState.OPEN, BatchState.RUNNING})

Followed = TypeVar("Followed", Job, Batch)


def followed(  # noqa: PLR0913 - times have names
    parts: Services,
    id_: str,
    look: Callable[[str], Followed],
    *,
    seen: int,
    seconds: float,
    beat_seconds: float = BEAT_SECONDS,
    pause_seconds: float = 0.0,
) -> Iterator[Followed | str]:
    """Versions of it, its last one among them, and a word now and then while there is none.

    Args:
        parts: Of the gateway.
        id_: Of the job or batch.
        look: Reads it.
        seen: The version that is known already.
        seconds: How long.
        beat_seconds: Longest silence.
        pause_seconds: After a change that is not its end: for what changes all the time.
    """
    deadline = time.monotonic() + seconds
    with parts.changes.watch(ids=(id_,)) as watch:
        while True:
            try:
                # Watched before this look: no change after it is missed.
                found = look(id_)
            except (JobNotFound, BatchNotFound):
                return  # deleted; the next connection is told
            except StoreUnavailable:
                yield "the store does not answer"
                return
            if found.version > seen:
                seen = found.version
                yield found
            left_seconds = deadline - time.monotonic()
            if found.state.is_final or left_seconds <= 0 or watch.is_over:
                return
            changes = watch.wait(min(beat_seconds, left_seconds))
            if not changes:
                yield "nothing new"
            elif pause_seconds and all(change.state in _UNENDED for change in changes):
                time.sleep(min(pause_seconds, max(0.0, deadline - time.monotonic())))
