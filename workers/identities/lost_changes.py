"""Changes of model whose job is no more: ended, so that the collection can go on."""

import structlog

from workers.errors import JobNotFound, JobUnreadable
from workers.identities.errors import CollectionNotFound
from workers.identities.opening import Identities
from workers.identities.trace_records import AuditEvent
from workers.jobs.store import JobStore

#: Most changes looked at in one call; the next one looks at others.
MOST_LOOKED_AT = 100
#: Why a change ends whose job can't be read any more: its record has expired, or was deleted.
GONE = "job_gone"

_log = structlog.get_logger()


class LostChanges:
    """Ends changes of model that nobody goes on with.

    A job that was lost with its worker in every attempt, or was cancelled while it waited, can't
    take its change back. Such a job never runs again; a worker that takes itself for its holder
    still finds that the change is no more its own.

    Args:
        identities: The stores of known people.
        jobs: What has become of jobs.
    """

    def __init__(self, identities: Identities, jobs: JobStore) -> None:
        self._store = identities.reembedding
        self._jobs = jobs

    def end(self) -> int:
        """End those there are: the former embeddings go on counting.

        Returns:
            How many were ended.

        Raises:
            StoreUnavailable: the store does not answer.
        """
        count = 0
        for uid, job_id in self._store.under_way(limit=MOST_LOOKED_AT):
            reason = self._ended_by(job_id)
            if not reason:
                continue
            event = AuditEvent(
                action="collection.model_kept", by="", cause=job_id, detail={"reason": reason}
            )
            try:
                is_ended = self._store.abandon(uid, job_id, audit=event)
            except CollectionNotFound:
                continue
            if is_ended:
                _log.warning("reembedding.lost", collection=uid, job_id=job_id, reason=reason)
            count += is_ended
        return count

    def _ended_by(self, job_id: str) -> str:
        """Why a job does not go on with its change; "": it does, or will."""
        try:
            job = self._jobs.get(job_id)
        except JobNotFound:
            return GONE
        except JobUnreadable as error:
            # Of a newer version: whoever can read it knows better.
            _log.error("reembedding.job_unreadable", job_id=job_id, error=str(error))
            return ""
        if not job.state.is_final:
            return ""
        return job.error.code if job.error else str(job.state)
