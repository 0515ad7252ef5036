"""What keeps the fleet honest: silent workers' jobs, batches, unsent wake-ups, orphaned images.

Every step may be repeated and run in several processes at once.
"""

import time
from collections.abc import Sequence
from contextlib import suppress

import structlog

from models.errors import UnknownModel
from vram.errors import LedgerUnavailable
from workers.batches.records import BLOB_KEY as BATCH_BLOB_KEY
from workers.batches.records import PIECE_KEY
from workers.contract import device_of
from workers.errors import BlobStoreFailed, JobNotFound, JobUnreadable, StoreUnavailable
from workers.jobs.records import BLOB_KEY
from workers.jobs.store import DueJob
from workers.stores import Stores

#: Most jobs handled in one round; the next round is two seconds away.
ROUND_LIMIT = 500

#: Longest time a round spends sending; the next one goes on.
SEND_SECONDS = 10.0

_log = structlog.get_logger()


class Maintenance:
    """The periodic work.

    Args:
        stores: What it works on.
        orphan_seconds: Images younger than this are left alone.
        piece_seconds: How long an upload may take: its parts are left alone until then.
    """

    def __init__(
        self, stores: Stores, *, orphan_seconds: float, piece_seconds: float = 0.0
    ) -> None:
        self._stores = stores
        self._jobs = stores.jobs
        self._blobs = stores.blobs
        self._orphan_seconds = orphan_seconds
        self._piece_seconds = max(orphan_seconds, piece_seconds)

    def dispatch(self) -> int:
        """Take back jobs of silent workers, look after batches, send every wake-up that is due.

        Jobs that wait for a device that is gone are due at once: they are sent elsewhere. What is
        left in its broker's lists are wake-ups, which find nothing to do should it come back.

        Returns:
            How many wake-ups were sent.
        """
        for reaped in self._jobs.reap(ROUND_LIMIT):
            _log.warning("maintenance.worker_silent", job_id=reaped.id, state=reaped.state)
            if reaped.state.is_final:
                for key in reaped.blob_keys:
                    self._delete(key)
        self._stores.feeder.tend(ROUND_LIMIT)
        return self._send_all((*self._stranded(), *self._jobs.due(ROUND_LIMIT)))

    def sweep_blobs(self) -> int:
        """Delete old images that no job and no batch needs, and parts of uploads that were left.

        Returns:
            How many were deleted.
        """
        deleted = 0
        for key in list(self._blobs.older_than(self._orphan_seconds)):
            if self._is_orphan(key):
                self._delete(key)
                deleted += 1
        for key in list(self._blobs.older_than(self._piece_seconds)):
            if PIECE_KEY.fullmatch(key):
                self._delete(key)
                deleted += 1
        return deleted

    def _stranded(self) -> Sequence[DueJob]:
        """Jobs that wait for devices which give no signs of life any more."""
        waiting = {queue: device_of(queue) for queue in self._jobs.waiting_queues()}
        devices = sorted({device for device in waiting.values() if device is not None})
        try:
            gone = set(devices) - self._stores.fleet.live(devices)
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
            route = self._stores.router.route(due.options, held=due.route)
        except UnknownModel as error:
            # Of another version's catalogue: its worker says so, and the others don't wait for it.
            _log.warning("maintenance.not_routable", job_id=due.id, error=str(error))
            route = due.route
        if route.queue == due.route.queue or self._jobs.reroute(due.id, route):
            self._stores.queue.publish(due.id, route.queue)

    def _is_orphan(self, key: str) -> bool:
        try:
            if found := BATCH_BLOB_KEY.fullmatch(key):
                return not self._stores.batches.keeps_blobs(found["batch"])
            found = BLOB_KEY.fullmatch(key)
            return found is not None and self._jobs.get(found["job"]).state.is_final
        except JobNotFound:
            return True
        except JobUnreadable as error:
            # Kept: a version that can read the job may need its image.
            _log.error("maintenance.job_unreadable", key=key, error=str(error))
            return False

    def _delete(self, key: str) -> None:
        try:
            self._blobs.delete(key)
        except BlobStoreFailed as error:
            _log.warning("maintenance.image_not_deleted", key=key, error=str(error))
