"""What went otherwise than planned, for the answers that it concerns."""

import threading
from dataclasses import dataclass

#: More are not shown: they would say the same.
MOST = 50


@dataclass(frozen=True, kw_only=True, slots=True)
class Note:
    """Something that went otherwise than planned while models were used; shown in the answer."""

    model: str
    #: What was done about it: "cpu", or a step of `workers.devices.ladder`.
    step: str
    #: Why, as code: a reason of `vram.answers` or `workers.devices.refusals`.
    reason: str
    #: Why, and what would have to happen for it to go as planned.
    message: str


class Notes:
    """Collects them until an answer takes them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._notes: dict[Note, None] = {}

    def add(self, note: Note) -> None:
        """Take one; the same again is taken once."""
        with self._lock:
            if len(self._notes) < MOST:
                self._notes[note] = None

    def take(self) -> tuple[Note, ...]:
        """All since this was last asked, oldest first."""
        with self._lock:
            notes, self._notes = tuple(self._notes), {}
            return notes
