"""Answers that were given to requests with an `Idempotency-Key`, for their repetitions."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from api.errors import ApiError
from workers.errors import IdempotencyConflict

#: How long an answer is kept.
KEPT_SECONDS = 24 * 3600
#: A request that has not been answered after this time was lost with its process.
UNDERWAY_SECONDS = 120


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptAnswer:
    """An answer as it is given again."""

    status: int
    media_type: str
    #: The header; "": there was none.
    location: str
    #: None: it is not given again, only that the request was done is known.
    body: str | None


class KeptAnswers(Protocol):
    """Keeps answers for all gateway processes. Every call is atomic.

    Every method raises StoreUnavailable when the store does not answer in time.
    """

    def begin(self, name: str, fingerprint: str) -> KeptAnswer | None:
        """Ask leave to do a request.

        Returns:
            The answer it had; None: it is the first of its name, do it.

        Raises:
            IdempotencyConflict: the name was given to another request.
            ApiError: `idempotency_in_progress`; the request is being done right now.
        """
        ...

    def keep(self, name: str, fingerprint: str, answer: KeptAnswer) -> None:
        """Keep the answer of a request that was begun."""
        ...

    def forget(self, name: str) -> None:
        """Let the request be done again."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Underway:
    """What is kept under a name."""

    fingerprint: str
    #: None: it has not been answered.
    answer: KeptAnswer | None

    def told(self, fingerprint: str) -> KeptAnswer:
        """The answer for a repetition.

        Raises:
            IdempotencyConflict: it is another request.
            ApiError: there is no answer yet.
        """
        if self.fingerprint != fingerprint:
            raise IdempotencyConflict
        if self.answer is None:
            detail = "A request with this Idempotency-Key is being answered. Try again shortly."
            raise ApiError("idempotency_in_progress", detail)
        return self.answer


class MemoryKeptAnswers:
    """KeptAnswers in one process, with a clock that tests may turn."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: dict[str, tuple[Underway, float]] = {}

    def begin(self, name: str, fingerprint: str) -> KeptAnswer | None:
        """See KeptAnswers."""
        with self._lock:
            kept, until = self._kept.get(name, (None, 0.0))
            if kept is not None and until > self._clock():
                return kept.told(fingerprint)
            underway = Underway(fingerprint=fingerprint, answer=None)
            self._kept[name] = (underway, self._clock() + UNDERWAY_SECONDS)
            return None

    def keep(self, name: str, fingerprint: str, answer: KeptAnswer) -> None:
        """See KeptAnswers."""
        with self._lock:
            kept = Underway(fingerprint=fingerprint, answer=answer)
            self._kept[name] = (kept, self._clock() + KEPT_SECONDS)

    def forget(self, name: str) -> None:
        """See KeptAnswers."""
        with self._lock:
            self._kept.pop(name, None)
