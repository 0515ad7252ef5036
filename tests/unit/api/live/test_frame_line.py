"""The newest frame wins, answers come in order, and no frame is lost without being counted."""

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from api.live.frame_line import Counts, FrameLine, Started


def test_a_frame_that_waits_gives_way_to_a_newer_one() -> None:
    line: FrameLine[str, str] = FrameLine(most_in_flight=1)
    assert line.arrived("a")
    first = line.start(0)
    assert first is not None

    assert not line.arrived("b")
    assert not line.arrived("c")

    assert line.finished(first, "A") == [(first, "A")]
    newest = line.start(0)
    assert newest is not None
    assert (newest.frame, newest.dropped) == ("c", 1)
    assert line.counts == Counts(received=3, started=2, answered=1, dropped=1)


def test_a_frame_that_ends_early_is_answered_after_the_one_before() -> None:
    line: FrameLine[str, str] = FrameLine(most_in_flight=2)
    assert line.arrived("a")
    first = line.start(0)
    assert line.arrived("b")
    second = line.start(0)
    assert first is not None
    assert second is not None

    assert line.finished(second, "B") == []
    assert line.finished(first, "A") == [(first, "A"), (second, "B")]
    assert line.is_empty


def test_frames_are_started_no_more_often_than_asked() -> None:
    line: FrameLine[str, str] = FrameLine(most_in_flight=2, frames_per_second=4)
    assert line.arrived("a")
    assert line.pause_seconds(10.0) == 0
    line.start(10.0)
    assert line.arrived("b")

    assert line.pause_seconds(10.125) == 0.125
    assert line.pause_seconds(10.3) == 0


def test_a_carrier_that_finds_nothing_is_wanted_again_later() -> None:
    line: FrameLine[str, str] = FrameLine(most_in_flight=1)
    assert line.arrived("a")
    started = line.start(0)
    assert started is not None
    line.finished(started, "A")

    assert line.start(0) is None

    assert line.arrived("b")


class Stream(RuleBasedStateMachine):
    """Any order of arrivals, starts and ends, with as many carriers as the line wants."""

    def __init__(self) -> None:
        super().__init__()
        self.line: FrameLine[int, int] = FrameLine(most_in_flight=3)
        self.sent = 0
        #: Carriers that have nothing in hand, and what the others have.
        self.free = 0
        self.in_hand: list[Started[int]] = []
        self.answered: list[Started[int]] = []

    @rule()
    def arrive(self) -> None:
        self.sent += 1
        if self.line.arrived(self.sent):
            self.free += 1

    @precondition(lambda self: self.free)
    @rule()
    def start(self) -> None:
        self.free -= 1
        started = self.line.start(0)
        if started is not None:
            self.in_hand.append(started)

    @precondition(lambda self: self.in_hand)
    @rule(choice=st.integers(0, 2))
    def finish(self, choice: int) -> None:
        started = self.in_hand.pop(choice % len(self.in_hand))
        ready = self.line.finished(started, started.frame)
        assert all(outcome == one.frame for one, outcome in ready)
        self.answered += [one for one, _ in ready]
        self.free += 1

    @invariant()
    def answers_are_in_the_order_of_the_frames(self) -> None:
        assert [one.sequence for one in self.answered] == [*range(1, len(self.answered) + 1)]
        frames = [one.frame for one in self.answered]
        assert frames == sorted(frames)

    @invariant()
    def no_more_are_in_flight_than_allowed(self) -> None:
        assert len(self.in_hand) + self.free <= 3

    @invariant()
    def every_frame_is_accounted_for(self) -> None:
        counts = self.line.counts
        assert counts.received == self.sent
        waiting = self.sent - counts.started - counts.dropped
        assert waiting in {0, 1}
        # A frame that waits always has somebody who will come for it.
        assert not waiting or self.free or self.in_hand

    def teardown(self) -> None:
        """When everything has ended, each frame was answered or told as dropped, the last not."""
        while self.in_hand or self.free:
            if self.in_hand:
                self.finish(0)
            while self.free:
                self.start()
        assert self.line.is_empty
        dropped = sum(one.dropped for one in self.answered)
        assert self.sent == len(self.answered) + dropped
        assert not self.sent or self.answered[-1].frame == self.sent


TestAnyOrder = Stream.TestCase
