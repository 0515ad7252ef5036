"""A reader of a collection's log, as an index is one: it may stop in the middle of a rebuild."""

from tests.contract.identities.gallery import Gallery
from workers.identities.log_records import LoggedChange, LogHead, LogPlace


class Reader:
    """Follows one collection with a dictionary."""

    def __init__(self, it: Gallery, uid: str) -> None:
        self._it = it
        self.uid = uid
        self.place = LogPlace()
        #: Face id -> person and vector.
        self.faces: dict[str, tuple[str, bytes]] = {}
        self._cursor: str | None = None
        self.rebuilds = 0

    def follow(self) -> LogHead:
        """Come to the head of the log; where that is."""
        while True:
            if self._cursor is not None:
                self._scan_all()
            changes = self._it.stores.log.changes(self.uid, self.place, limit=2)
            if changes is None or any(change.kind == "reset" for change in changes):
                self.begin_anew()
            elif changes:
                for change in changes:
                    self._apply(change)
            else:
                return self._it.stores.log.head(self.uid)

    def begin_anew(self) -> None:
        """Begin a rebuild: the head first, then all vectors."""
        self.place = self._it.stores.log.head(self.uid).place
        self.faces = {}
        self._cursor = ""
        self.rebuilds += 1

    def scan_some(self) -> None:
        """A part of a rebuild that has begun."""
        if self._cursor is None:
            return
        page = self._it.stores.log.scan(self.uid, cursor=self._cursor, limit=1)
        self.faces |= {one.face_id: (one.person_id, one.vector) for one in page.vectors}
        self._cursor = page.cursor or None

    def _scan_all(self) -> None:
        while self._cursor is not None:
            self.scan_some()

    def _apply(self, change: LoggedChange) -> None:
        if change.kind == "removed":
            for face_id in change.face_ids:
                self.faces.pop(face_id, None)
        else:
            found = self._it.stores.persons.vectors(self.uid, change.face_ids)
            self.faces |= {one.face_id: (one.person_id, one.vector) for one in found}
        self.place = change.place
