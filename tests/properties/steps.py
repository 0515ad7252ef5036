"""What holders, operators, the card and the clock do to a device, well-behaved or not.

Each step asserts what its own answers promise; `Truth.verify` then compares everything.
"""

import itertools
from collections.abc import Callable

from tests.properties.card import CardFull
from tests.properties.truth import DEVICE_ID, MODELS, Holder, Truth
from vram.answers import Ask, Loaded, Observation, Reservation
from vram.errors import UnknownDevice
from vram.records import DeviceState, State

#: These refuse a model for its own history, whatever the room.
_OWN_FAULT = {"load_backoff", "quarantined", "draining"}


class Steps(Truth):
    """The steps of one device's life."""

    numbers = itertools.count()

    # -- asking ---------------------------------------------------------------------------------

    def ask(self, model: str, **how: object) -> Ask:
        """A request with a token of its own."""
        priority, vram_mib = MODELS[model]
        settings: dict[str, object] = {
            "vram_mib": vram_mib,
            "priority": priority,
            "token": f"t{next(self.numbers)}",
        }
        return Ask(model=model, **{**settings, **how})  # type: ignore[arg-type]  # by field name

    def reserve(self, ask: Ask) -> Reservation:
        """Ask for a model; the answer keeps its promises."""
        before = self.state()
        answer = self.ledger.reserve(DEVICE_ID, self.holder.incarnation, ask)
        after = {e.gen: e for e in self.state().entries}
        assert answer.outcome != "cpu" or ask.has_fallback
        assert not (answer.loan and answer.outcome == "load" and answer.victims)
        assert not (ask.only_free and answer.victims)
        if answer.outcome == "load":
            assert answer.gen is not None
            assert after[answer.gen].state is State.RESERVED
            assert after[answer.gen].vram_mib == ask.vram_mib == answer.vram_mib
            self.holder.phases[answer.gen] = "reserved"
        elif answer.outcome == "gpu":
            assert answer.gen is not None
            assert after[answer.gen].state is State.READY
            assert ask.token in after[answer.gen].pins
            self.holder.tokens.setdefault(answer.gen, set()).add(ask.token)
        elif answer.outcome == "join":
            assert answer.gen is not None
            assert after[answer.gen].state in {State.RESERVED, State.LOADING}
        else:
            assert answer.gen is None
            assert not answer.victims
            self._check_refusal(ask, answer, before)
        assert all(after[v.gen].state is State.DRAINING for v in answer.victims)
        return answer

    def _check_refusal(self, ask: Ask, answer: Reservation, before: DeviceState) -> None:
        """A critical model is refused only when what can't leave fills the device."""
        if ask.priority != "critical" or ask.only_free or answer.reason in _OWN_FAULT:
            return
        leaving = {State.DRAINING, State.UNLOADING}
        fixed_mib = sum(
            e.vram_mib
            for e in before.entries
            if e.state not in leaving
            and (e.keep or e.priority == "critical" or e.state is not State.READY)
        )
        assert fixed_mib + ask.vram_mib > before.usable_mib, f"{answer}: {before.entries}"

    # -- loading --------------------------------------------------------------------------------

    def begin(self, gen: int) -> str:
        """Ask to load; the half of it is on the card when that was granted."""
        before, incarnation = self.state(), self.holder.incarnation
        free_mib = self.card.free_mib if self.verified else None
        answer = self.ledger.begin(DEVICE_ID, incarnation, gen, free_mib=free_mib)
        entry = self.entry(gen)
        if answer == "stale":
            assert entry is None or entry.state is not State.RESERVED
            self.holder.forget(gen)
        elif answer == "ok":
            assert entry is not None
            assert entry.state is State.LOADING
            if free_mib is not None:
                assert free_mib >= entry.vram_mib, "the card had not that much free"
            self.holder.phases[gen] = "loading"
            self._take(gen, entry.vram_mib // 2, booked_mib=entry.vram_mib, before=before)
        return answer

    def _take(self, gen: int, vram_mib: int, *, booked_mib: int, before: DeviceState) -> bool:
        """Let a load take its memory: it must be there, unless nobody could know better."""
        hidden_mib, state = self.hidden_mib(before), self.state()
        self.excused = vram_mib > booked_mib
        try:
            self.card.take(self.holder.incarnation, gen, vram_mib)
        except CardFull:
            over = state.physical_mib > state.usable_mib
            known = not (hidden_mib or over or self.excused)
            assert not (known and self.verified), f"full, and nobody is to blame: {state.entries}"
            self.ledger.out_of_memory(DEVICE_ID, self.holder.incarnation, gen, step="load")
            self.fail(gen)
            return False
        return True

    def finish(self, gen: int, vram_mib: int) -> Loaded | None:
        """End a load with what it really took; None: the card was full."""
        before, entry = self.state(), self.entry(gen)
        booked_mib = entry.vram_mib if entry else 0
        if not self._take(gen, vram_mib, booked_mib=booked_mib, before=before):
            return None
        return self.tell_loaded(gen, vram_mib)

    def tell_loaded(self, gen: int, vram_mib: int) -> Loaded:
        """Say what a load took; a ledger that gave it up is believed."""
        answer = self.ledger.loaded(
            DEVICE_ID, self.holder.incarnation, gen, vram_mib=vram_mib, load_ms=300.0
        )
        entry = self.entry(gen)
        if answer.verdict == "ok":
            assert entry is not None
            assert entry.vram_mib == vram_mib
            assert entry.state in {State.READY, State.DRAINING}
            self.holder.phases[gen] = "ready"
            self._check_over(answer)
        else:
            assert entry is None or entry.state is not State.LOADING
            self.excused = True
        return answer

    def _check_over(self, answer: Loaded) -> None:
        """Over the limit: somebody leaves, the entry itself if nobody else can."""
        states = {e.gen: e.state for e in self.state().entries}
        assert all(states[v.gen] is State.DRAINING for v in answer.victims)

    def fail(self, gen: int) -> None:
        """A load failed; what is on the card stays until the holder clears it away."""
        self.ledger.fail(DEVICE_ID, self.holder.incarnation, gen, why="test")
        if self.holder.phases.get(gen) == "reserved":
            self.holder.forget(gen)
        entry = self.entry(gen)
        assert entry is None or entry.state not in {State.RESERVED, State.LOADING}

    def adjust(self, gen: int, vram_mib: int) -> None:
        """A model grows or shrinks in use; what it takes is told afterwards."""
        try:
            self.card.take(self.holder.incarnation, gen, vram_mib)
        except CardFull:
            return
        self.excused = True
        answer = self.ledger.adjust(DEVICE_ID, self.holder.incarnation, gen, vram_mib=vram_mib)
        entry = self.entry(gen)
        if answer.verdict == "ok":
            assert entry is not None
            assert entry.vram_mib == vram_mib
        self._check_over(answer)

    # -- leaving --------------------------------------------------------------------------------

    def unload(self, gen: int, *, stuck_mib: int = 0) -> str:
        """Unload what is draining; some of it may stay on the card, and that is told."""
        holder = self.holder
        answer = self.ledger.unloading(DEVICE_ID, holder.incarnation, gen)
        entry = self.entry(gen)
        if answer == "pinned":
            assert entry is not None
            assert entry.pins
        if answer == "ok":
            assert entry is not None
            assert entry.state is State.UNLOADING
            assert not entry.pins
            holder.phases[gen] = "unloading"
            self.clear_away(gen, stuck_mib=stuck_mib)
        return answer

    def clear_away(self, gen: int, *, stuck_mib: int = 0) -> None:
        """Give the memory of an entry back and say how much of it came."""
        incarnation = self.holder.incarnation
        returned_mib = self.card.release(incarnation, gen, stuck_mib=stuck_mib)
        told_mib = returned_mib if self.verified else None
        self.ledger.unloaded(DEVICE_ID, incarnation, gen, returned_mib=told_mib)
        self.holder.forget(gen)

    def beat(self, *, obey: bool = True) -> None:
        """A sign of life; what is ordered is done, or left."""
        held = tuple(self.holder.phases)
        orders = self.ledger.beat(
            DEVICE_ID, self.holder.incarnation, held=held, last_gen=self.last_gen
        )
        entries = {e.gen: e for e in self.state().entries}
        assert all(gen not in entries for gen in orders.orphans)
        assert set(orders.orphans) == {gen for gen in held if gen not in entries}
        assert all(not entries[gen].pins for gen in orders.unload)
        assert all(entries[gen].state in {State.DRAINING, State.UNLOADING} for gen in orders.unload)
        for gen in orders.orphans:
            self.card.release(self.holder.incarnation, gen)
            self.holder.forget(gen)
        for gen in orders.unload if obey else ():
            self.unload(gen)

    # -- the card -------------------------------------------------------------------------------

    def observe(self) -> Observation:
        """Read the card and tell; the book covers it afterwards."""
        before, version = self.state(), self.ledger.version(DEVICE_ID)
        used_mib = self.card.used_mib
        answer = self.ledger.observe(
            DEVICE_ID, self.holder.incarnation, used_mib=used_mib, version=version
        )
        state = self.state()
        assert answer.verdict == "ok", "nothing happened since the version was read"
        if self.verified:
            book_mib = self.card.reserved_mib + self.card.context_mib + state.physical_mib
            assert book_mib + state.foreign_mib >= used_mib
            settled = all(e.state in {State.RESERVED, State.READY} for e in state.entries)
            if settled:
                self.unknown_mib = 0
            assert not settled or state.foreign_mib == max(0, used_mib - book_mib)
            known_mib = min(before.foreign_mib, self.not_ours_mib)
            assert state.foreign_mib >= known_mib, "what was known and is there was forgotten"
        return answer

    # -- the end of processes ---------------------------------------------------------------------

    def crash(self) -> None:
        """The holder dies and another takes over: what was held is gone from the card."""
        self.card.kill(self.holder.incarnation)
        self.start_holder()

    def replace(self) -> None:
        """Another takes over while the old one lives on with all it has."""
        self.zombies.append(self.holder)
        self.start_holder()

    def zombie_calls(self, zombie: Holder) -> None:
        """Nothing that an old holder says changes anything."""
        before, mine, ledger = self.state(), zombie.incarnation, self.ledger
        gen = next((e.gen for e in before.entries), self.last_gen)
        calls: tuple[Callable[[], object], ...] = (
            lambda: ledger.register(self.device(mine)),
            lambda: ledger.beat(DEVICE_ID, mine, held=(gen,), last_gen=gen),
            lambda: ledger.reserve(DEVICE_ID, mine, self.ask("medium-d", by_name=True)),
            lambda: ledger.begin(DEVICE_ID, mine, gen, free_mib=1000),
            lambda: ledger.loaded(DEVICE_ID, mine, gen, vram_mib=1, load_ms=1.0),
            lambda: ledger.adjust(DEVICE_ID, mine, gen, vram_mib=1),
            lambda: ledger.fail(DEVICE_ID, mine, gen, why="zombie"),
            lambda: ledger.pin(DEVICE_ID, mine, gen, token="z", seconds=10),  # noqa: S106 - a pin
            lambda: ledger.unpin(DEVICE_ID, mine, gen, token="z"),  # noqa: S106 - a pin
            lambda: ledger.unloading(DEVICE_ID, mine, gen),
            lambda: ledger.unloaded(DEVICE_ID, mine, gen, returned_mib=0),
            lambda: ledger.observe(DEVICE_ID, mine, used_mib=0, version=before.version),
            lambda: ledger.relieve(DEVICE_ID, mine, needed_mib=1000, asker_gen=gen),
        )
        for number, call in enumerate(calls):
            try:
                call()
            except UnknownDevice:
                continue
            raise AssertionError(f"call {number} of an old holder was accepted")
        assert self.state().entries == before.entries
