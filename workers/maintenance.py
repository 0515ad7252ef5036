"""What keeps the fleet honest: silent workers' jobs, unsent wake-ups, orphaned images.

Every step may be repeated and run in several processes at once.
"""

import time
from collections.abc import Sequence
from contextlib import suppress

import structlog

from models.errors import UnknownModel
from vram.errors import LedgerUnavailable
from vram.fleet import Fleet
from workers.blobs import BlobStore
from workers.contract import JOB_ID, device_of
from workers.dispatch import JobQueue
from workers.errors import BlobStoreFailed, JobNotFound, JobUnreadable, StoreUnavailable
from workers.jobs import DueJob, JobStore
from workers.router import JobRouter

#: Most jobs handled in one round; the next round is two seconds away.
ROUND_LIMIT = 500

#: Longest time a round spends sending; the next one goes on.
SEND_SECONDS = 10.0

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
        fleet: Fleet,
        orphan_seconds: float,
    ) -> None:
        self._jobs = jobs
        self._blobs = blobs
        self._queue = queue
        self._router = router
        self._fleet = fleet
        self._orphan_seconds = orphan_seconds

    def dispatch(self) -> int:
        """Take back jobs of silent workers, then send every wake-up that is due.

        Jobs that wait for a device that is gone are due at once: they are sent elsewhere. What is
        left in its broker's lists are wake-ups, which find nothing to do should it come back.

        Returns:
            How many wake-ups were sent.
        """
        for reaped in self._jobs.reap(ROUND_LIMIT):
            _log.warning("maintenance.worker_silent", job_id=reaped.id, state=reaped.state)
            if reaped.state.is_final:
                self._delete(reaped.blob_key)
        return self._send_all((*self._stranded(), *self._jobs.due(ROUND_LIMIT)))

    def sweep_blobs(self) -> int:
        """Delete old images that no waiting or running job needs.

        Returns:
            How many were deleted.
        """
        deleted = 0
        for key in list(self._blobs.older_than(self._orphan_seconds)):
            if JOB_ID.fullmatch(key) and self._is_orphan(key):
                self._delete(key)
                deleted += 1
        return deleted

    def _stranded(self) -> Sequence[DueJob]:
        """Jobs that wait for devices which give no signs of life any more."""
        waiting = {queue: device_of(queue) for queue in self._jobs.waiting_queues()}
        devices = sorted({device for device in waiting.values() if device is not None})
        try:
            gone = set(devices) - self._fleet.live(devices)
        except LedgerUnavailable as error:
            _log.warning("maintenance.devices_unknown", error=str(error))
            return ()
        for name in sorted(gone):
            _log.warning("maintenance.device_gone", device=name)
        found: list[DueJob] = []
        for queue, device in waiting.items():
            if device in gone and len(found) < ROUND_LIMIT:
                found += self._jobs.waiting_in(queue, ROUND_LIMIT - len(found))
        return tuple(found)

    def _send_all(self, found: Sequence[DueJob]) -> int:
        """Send wake-ups while the broker takes them; the rest is made due at once, not later."""
        deadline = time.monotonic() + SEND_SECONDS
        sent = 0
        for due in found:
            try:
                self._send(due)
            except StoreUnavailable as error:
                _log.warning("maintenance.not_sent", job_id=due.id, error=str(error))
                break
            sent += 1
            if time.monotonic() > deadline:
                break
        for due in found[sent:]:
            with suppress(StoreUnavailable):
                self._jobs.expedite(due.id)
        return sent

    def _send(self, due: DueJob) -> None:
        # Devices come and go while a job waits: ask again, and move it if the answer changed.
        try:
            route = self._router.route(due.options, held=due.route)
        except UnknownModel as error:
            # Of another version's catalogue: its worker says so, and the others don't wait for it.
            _log.warning("maintenance.not_routable", job_id=due.id, error=str(error))
            route = due.route
        if route.queue == due.route.queue or self._jobs.reroute(due.id, route):
            self._queue.publish(due.id, route.queue)

    def _is_orphan(self, key: str) -> bool:
        try:
            return self._jobs.get(key).state.is_final
        except JobNotFound:
            return True
        except JobUnreadable as error:
            # Kept: a version that can read the job may need its image.
            _log.error("maintenance.job_unreadable", job_id=key, error=str(error))
            return False

    def _delete(self, key: str) -> None:
        try:
            self._blobs.delete(key)
        except BlobStoreFailed as error:
            _log.warning("maintenance.image_not_deleted", key=key, error=str(error))
