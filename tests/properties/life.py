"""More of a device's life: uses, readings that come late, lost data, wishes, and repetition."""

from collections.abc import Callable

from tests.properties.steps import Steps
from tests.properties.truth import DEVICE_ID, Holder
from vram.answers import Verdict
from vram.errors import UnknownDevice
from vram.records import Command, DeviceState, State


class Life(Steps):
    """The steps that build on a load."""

    def pin(self, gen: int, token: str, *, seconds: float = 330.0) -> Verdict:
        """Use a ready entry."""
        before = self.entry(gen)
        answer = self.ledger.pin(
            DEVICE_ID, self.holder.incarnation, gen, token=token, seconds=seconds
        )
        after = self.entry(gen)
        ready = before is not None and before.state is State.READY
        again = before is not None and before.state is State.DRAINING and token in before.pins
        assert (answer == "ok") is (ready or again)
        if ready:
            assert after is not None
            assert after.pins[token] == self.now_ms + int(seconds * 1000)
            self.holder.tokens.setdefault(gen, set()).add(token)
        return answer

    def unpin(self, gen: int, token: str) -> None:
        """End a use."""
        self.ledger.unpin(DEVICE_ID, self.holder.incarnation, gen, token=token)
        self.holder.tokens.get(gen, set()).discard(token)
        entry = self.entry(gen)
        assert entry is None or token not in entry.pins

    def observe_across(self, change: Callable[[], object]) -> None:
        """Read the card, let something happen, tell the reading: it must not count any more."""
        version, used_mib = self.ledger.version(DEVICE_ID), self.card.used_mib
        before = self.state()
        change()
        after = self.state()
        if _may_be_on_it(before) == _may_be_on_it(after):
            return
        answer = self.ledger.observe(
            DEVICE_ID, self.holder.incarnation, used_mib=used_mib, version=version
        )
        assert answer.verdict == "stale", "the reading is older than what is on the card"
        now = self.state()
        assert (now.foreign_mib, now.entries) == (after.foreign_mib, after.entries)

    def relieve(self) -> None:
        """Room for one that ran out of memory, from those of no higher class."""
        ready = [e for e in self.state().entries if e.state is State.READY]
        if not ready:
            return
        asker = ready[0]
        answer = self.ledger.relieve(
            DEVICE_ID, self.holder.incarnation, needed_mib=200, asker_gen=asker.gen
        )
        after = {e.gen: e for e in self.state().entries}
        assert all(after[v.gen].state is State.DRAINING for v in answer.victims)
        assert after[asker.gen].state is State.READY

    def lose_data(self, lose: Callable[[], None], *, keep_process: bool) -> None:
        """The store forgets everything; what was given out before is never given out again."""
        used_before = self.holder.incarnation
        lose()
        self._expect_refused()
        self.excused = True
        del self.check
        if keep_process:
            self.register(last_gen=self.last_gen)
            self.observe()
            self.reserve(self.ask("medium-d", by_name=True))
        else:
            self.card.kill(used_before)
            self.start_holder()
            assert self.holder.incarnation > used_before
        self.beat()

    def _expect_refused(self) -> None:
        try:
            self.ledger.begin(DEVICE_ID, self.holder.incarnation, 1, free_mib=1000)
        except UnknownDevice:
            return
        raise AssertionError("a device nobody registered was accepted")

    def command(self, wish: Command, *, lost: bool) -> None:
        """A wish is heard at a sign of life until it is told as done, whoever died between."""
        self.ledger.command(DEVICE_ID, wish)
        if lost:
            self.crash()
        mine = self.holder.incarnation
        held = tuple(self.holder.phases)
        for _ in range(2):
            assert wish in self.ledger.beat(DEVICE_ID, mine, held=held).commands
        for _ in range(2):
            self.ledger.done(DEVICE_ID, mine, wish.id, answer="done")
        assert wish not in self.ledger.beat(DEVICE_ID, mine, held=held).commands

    def twice(self, model: str, how: dict[str, object], pick: int) -> None:
        """Every call that is made twice leaves what one leaves."""
        mine, ledger, holder = self.holder.incarnation, self.ledger, self.holder
        gens = sorted(holder.phases)
        gen = gens[pick % len(gens)] if gens else self.last_gen + 1
        booked = self.entry(gen)
        size_mib = booked.vram_mib if booked else 1
        if booked and booked.state is State.LOADING:
            # Should it be told as loaded, then it is.
            if size_mib > self.card.free_mib:
                return
            self.card.take(mine, gen, size_mib)
        ask = self.ask(model, **how)
        calls: tuple[Callable[[], object], ...] = (
            lambda: ledger.reserve(DEVICE_ID, mine, ask),
            lambda: ledger.begin(DEVICE_ID, mine, gen, free_mib=self.card.free_mib),
            lambda: ledger.loaded(DEVICE_ID, mine, gen, vram_mib=size_mib, load_ms=20.0),
            lambda: ledger.pin(DEVICE_ID, mine, gen, token="twice", seconds=5.0),  # noqa: S106 - a pin
            lambda: ledger.drain(DEVICE_ID, gen, why="twice"),
            lambda: ledger.unloading(DEVICE_ID, mine, gen),
            lambda: ledger.beat(DEVICE_ID, mine, held=gens),
            lambda: ledger.keep(DEVICE_ID, model, on=pick % 2 == 0),
            lambda: ledger.adjust(DEVICE_ID, mine, gen, vram_mib=size_mib),
            lambda: ledger.register(self.device(mine)),
            lambda: ledger.sweep(DEVICE_ID),
        )
        call = calls[pick % len(calls)]
        call()
        self._notice(holder)
        once = self.state()
        call()
        again = self.state()
        assert _settled(once) == _settled(again)

    def _notice(self, holder: Holder) -> None:
        """The holder learns what the call made of what it has."""
        for entry in self.state().entries:
            if entry.state is State.RESERVED and entry.incarnation == holder.incarnation:
                holder.phases[entry.gen] = "reserved"
            elif entry.state is State.LOADING and entry.gen in holder.phases:
                holder.phases[entry.gen] = "loading"
            elif entry.state is State.READY and entry.gen in holder.phases:
                holder.phases[entry.gen] = "ready"
            elif entry.state is State.UNLOADING and entry.gen in holder.phases:
                holder.phases[entry.gen] = "unloading"


def _may_be_on_it(state: DeviceState) -> list[tuple[object, ...]]:
    return [(e.gen, e.vram_mib) for e in state.entries if e.state is not State.RESERVED]


def _settled(state: DeviceState) -> tuple[object, ...]:
    """What a repeated call must leave alone. A repeated no counts as another no."""
    return (state.entries, state.foreign_mib, state.version)
