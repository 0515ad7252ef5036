"""`/ws/notifications`: every change of one's own jobs and batches, as it happens."""

import threading

from api.live.background import start
from api.live.connection import Channel, MessageRefused
from api.live.messages import read_ping
from workers.jobs.changes import Change, Changes

#: A session that has heard nothing looks whether it is over.
LOOK_SECONDS = 5.0


class NotificationSession:
    """Tells a user's changes.

    Args:
        changes: Of all users.
        owner: The user's id.
    """

    def __init__(self, changes: Changes, owner: str) -> None:
        self._changes = changes
        self._owner = owner
        self._over = threading.Event()
        self._connection: Channel

    def opened(self, connection: Channel) -> None:
        """See Session."""
        self._connection = connection
        start(self._tell, name="live-notifications")

    def text(self, message: str) -> None:
        """See Session."""
        self._connection.send({"type": "pong", "id": read_ping(message).id})

    def binary(self, message: bytes) -> None:
        """See Session."""
        del message
        raise MessageRefused("This connection takes no binary messages.")

    def closed(self) -> None:
        """See Session."""
        self._over.set()

    def _tell(self) -> None:
        """Send each change; the thread's body."""
        with self._changes.watch(owner=self._owner) as watch:
            # Only now: what happens from here on is told.
            self._connection.send({"type": "ready"})
            while not self._over.is_set() and not watch.is_over:
                for change in watch.wait(LOOK_SECONDS):
                    self._connection.send(_body(change))


def _body(change: Change) -> dict[str, object]:
    is_batch = change.kind == "batch"
    return {
        "type": "batch" if is_batch else "job",
        "id": change.id,
        "kind": change.kind,
        "state": change.state,
        "version": change.version,
        "link": f"/api/v1/{'batch/status' if is_batch else 'jobs'}/{change.id}",
    }
