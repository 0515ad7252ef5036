"""What keeps the fleet honest: silent workers' jobs, unsent wake-ups, orphaned images.

Every step may be repeated and run in several processes at once.
"""

import structlog

from workers.blobs import BlobStore
from workers.contract import JobState
from workers.dispatch import JobQueue
from workers.errors import BlobStoreFailed, JobNotFound, StoreUnavailable
from workers.jobs import DueJob, JobStore
from workers.router import JobRouter

#: Most jobs handled in one round; the next round is two seconds away.
ROUND_LIMIT = 500

_log = structlog.get_logger()


class Maintenance:
    """The periodic work."""

    def __init__(
        self,
        *,
        jobs: JobStore,
        blobs: BlobStore,
        queue: JobQueue,
        router: JobRouter,
        orphan_seconds: float,
    ) -> None:
        self._jobs = jobs
        self._blobs = blobs
        self._queue = queue
        self._router = router
        self._orphan_seconds = orphan_seconds

    def dispatch(self) -> int:
        """Take back jobs of silent workers, then send every wake-up that is due.

        Returns:
            How many wake-ups were sent.
        """
        for reaped in self._jobs.reap(ROUND_LIMIT):
            _log.warning("maintenance.worker_silent", job_id=reaped.id, state=reaped.state)
            if reaped.state is JobState.FAILED:
                self._delete(reaped.blob_key)
        sent = 0
        for due in self._jobs.due(ROUND_LIMIT):
            sent += self._send(due)
        return sent

    def sweep_blobs(self) -> int:
        """Delete old images that no waiting or running job needs.

        Returns:
            How many were deleted.
        """
        deleted = 0
        for key in list(self._blobs.older_than(self._orphan_seconds)):
            if self._is_orphan(key):
                self._delete(key)
                deleted += 1
        return deleted

    def _send(self, due: DueJob) -> bool:
        # Devices come and go while a job waits: ask again, and move it if the answer changed.
        route = self._router.route(due.options)
        if route.queue != due.route.queue and not self._jobs.reroute(due.id, route):
            return False
        try:
            self._queue.publish(due.id, route.queue)
        except StoreUnavailable as error:
            _log.warning("maintenance.not_sent", job_id=due.id, error=str(error))
            return False
        return True

    def _is_orphan(self, key: str) -> bool:
        try:
            return self._jobs.get(key).state.is_final
        except JobNotFound:
            return True

    def _delete(self, key: str) -> None:
        try:
            self._blobs.delete(key)
        except BlobStoreFailed as error:
            _log.warning("maintenance.image_not_deleted", key=key, error=str(error))
