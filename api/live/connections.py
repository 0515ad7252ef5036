"""The open connections of this process: each has a place, and all are ended when it ends."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import structlog

from api.live.background import start
from api.live.close_codes import CloseCode
from api.live.connection import LiveConnection, Pace, Session, Transport, still_welcome
from api.live.frames import Closed
from api.live.places import Places
from api.live.tickets import Tickets
from workers.errors import StoreUnavailable

_log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True, slots=True)
class Guest:
    """Whose connection it is."""

    connection_id: str
    user_id: str
    #: What the connection is for, in logs.
    purpose: str
    #: Says why it may not stay, when it may not.
    is_welcome: Callable[[], Closed | None] = still_welcome


class Connections:
    """Serves the connections of this process.

    Args:
        places: Of all users, in all processes.
        most_of_user: Connections one user may have.
        slots: One for each client that may wait in this process.
    """

    def __init__(
        self, places: Places, *, most_of_user: int, slots: threading.BoundedSemaphore
    ) -> None:
        self._places = places
        self._most_of_user = most_of_user
        self._slots = slots
        #: Ids of connections that have a place.
        self._admitted: set[str] = set()
        self._open: set[LiveConnection] = set()
        self._is_over = False

    def admit(self, guest: Guest) -> Closed | None:
        """Take a place for a connection; why there is none.

        Raises:
            StoreUnavailable: the store does not answer.
        """
        if self._is_over:
            return Closed(code=CloseCode.RESTART, reason="This process ends.")
        if not self._slots.acquire(blocking=False):
            return Closed(code=CloseCode.TRY_LATER, reason="This server holds no more connections.")
        try:
            taken = self._places.take(guest.user_id, guest.connection_id, most=self._most_of_user)
        except StoreUnavailable:
            self._slots.release()
            raise
        if not taken:
            self._slots.release()
            reason = f"You have {self._most_of_user} connections already."
            return Closed(code=CloseCode.TOO_MANY, reason=reason)
        self._admitted.add(guest.connection_id)
        return None

    def serve(self, transport: Transport, session: Session, pace: Pace, guest: Guest) -> Closed:
        """Serve an admitted connection to its end, and give its place back."""

        def look() -> Closed | None:
            self._keep_place(guest)
            return guest.is_welcome()

        connection = LiveConnection(transport, session, pace, is_welcome=look)
        began = time.monotonic()
        _log.info("live.opened", connection_id=guest.connection_id, purpose=guest.purpose)
        self._open.add(connection)
        try:
            if self._is_over:  # told while it was being opened
                connection.end(CloseCode.RESTART, "This process ends.")
            closed = connection.run()
        finally:
            self._open.discard(connection)
            self.forget(guest)
        _log.info(
            "live.closed",
            connection_id=guest.connection_id,
            purpose=guest.purpose,
            code=closed.code,
            reason=closed.reason,
            seconds=round(time.monotonic() - began, 1),
        )
        return closed

    def forget(self, guest: Guest) -> None:
        """Give an admitted connection's place back; once, however often it is called."""
        if guest.connection_id not in self._admitted:
            return
        self._admitted.remove(guest.connection_id)
        self._slots.release()
        try:
            self._places.leave(guest.user_id, guest.connection_id)
        except StoreUnavailable as error:
            _log.warning("live.place_not_left", error=str(error))  # it ends by itself

    def end_all(self) -> None:
        """End every connection, and take no more: the process is about to end."""
        self._is_over = True
        for connection in tuple(self._open):
            # Beside one another: one that does not read shall not hold up the others.
            end = partial(connection.end, CloseCode.RESTART, "This process ends. Connect again.")
            start(end, name="live-end")

    def _keep_place(self, guest: Guest) -> None:
        try:
            self._places.take(guest.user_id, guest.connection_id, most=self._most_of_user)
        except StoreUnavailable as error:
            _log.warning("live.place_not_kept", error=str(error))


@dataclass(frozen=True, kw_only=True, slots=True)
class Live:
    """What open connections need of this process."""

    tickets: Tickets
    connections: Connections
