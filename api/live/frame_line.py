"""Which frames of a live stream are analysed: the newest, a few at a time, answered in order.

A camera sends faster than a small machine analyses. Old frames are worth nothing then: one frame
waits at most, a newer one takes its place, and the client is told how many were passed over.
"""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Generic, TypeVar

F = TypeVar("F")
R = TypeVar("R")


@dataclass(frozen=True, kw_only=True, slots=True)
class Started(Generic[F]):
    """A frame that is being analysed."""

    #: Counts the frames that were started, from 1; answers come in this order.
    sequence: int
    frame: F
    #: Frames passed over since the one before was started.
    dropped: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Counts:
    """What became of the frames of a stream; received = started + dropped + waiting."""

    received: int
    started: int
    answered: int
    dropped: int


class FrameLine(Generic[F, R]):
    """The frames of one stream. Not thread-safe: its user holds a lock.

    A *carrier* is whoever takes frames from the line one after another; `arrived` says when one
    more is wanted, and `start` ends it when there is nothing to take.

    Args:
        most_in_flight: Frames being analysed at a time.
        frames_per_second: How often a frame may be started; None: as often as they come.
    """

    def __init__(self, *, most_in_flight: int, frames_per_second: float | None = None) -> None:
        self._most_in_flight = most_in_flight
        self._interval_seconds = 0.0
        if frames_per_second is not None:
            self.set_pace(frames_per_second)
        self._waiting: F | None = None
        self._carriers = 0
        self._next_start = float("-inf")
        #: Frames passed over since the last start.
        self._passed_over = 0
        #: In the order they were started; with their outcome once they have one.
        self._in_flight: OrderedDict[int, tuple[Started[F], R | None]] = OrderedDict()
        self._received = self._started = self._answered = self._dropped = 0

    @property
    def counts(self) -> Counts:
        """What became of the frames so far."""
        return Counts(
            received=self._received,
            started=self._started,
            answered=self._answered,
            dropped=self._dropped,
        )

    @property
    def is_empty(self) -> bool:
        """Whether every frame was answered or passed over."""
        return self._waiting is None and not self._in_flight

    def set_pace(self, frames_per_second: float) -> None:
        """Say how often a frame may be started from now on."""
        self._interval_seconds = 1 / frames_per_second

    def arrived(self, frame: F) -> bool:
        """Take a frame, in place of one that still waits.

        Returns:
            Whether another carrier is wanted.
        """
        self._received += 1
        if self._waiting is not None:
            self._passed_over += 1
            self._dropped += 1
        self._waiting = frame
        if self._carriers == self._most_in_flight:
            return False
        self._carriers += 1
        return True

    def pause_seconds(self, now: float) -> float:
        """How long a carrier has to wait before it may start a frame.

        Args:
            now: On any clock that does not go back, in seconds.
        """
        return max(0.0, self._next_start - now) if self._waiting is not None else 0.0

    def start(self, now: float) -> Started[F] | None:
        """The frame to analyse; None ends the carrier."""
        if self._waiting is None:
            self._carriers -= 1
            return None
        self._started += 1
        started = Started(sequence=self._started, frame=self._waiting, dropped=self._passed_over)
        self._waiting = None
        self._passed_over = 0
        self._next_start = now + self._interval_seconds
        self._in_flight[started.sequence] = (started, None)
        return started

    def finished(self, started: Started[F], outcome: R) -> list[tuple[Started[F], R]]:
        """Note how a frame ended.

        Returns:
            What can be answered now, in order: nothing while an earlier frame is under way.
        """
        self._in_flight[started.sequence] = (started, outcome)
        ready: list[tuple[Started[F], R]] = []
        for sequence, (first, result) in tuple(self._in_flight.items()):
            if result is None:
                break
            del self._in_flight[sequence]
            ready.append((first, result))
        self._answered += len(ready)
        return ready
