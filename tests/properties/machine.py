"""Hypothesis drives a device through everything that can happen to it, in any order."""

from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import redis
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.properties.life import Life
from tests.properties.truth import DEVICE_ID, MODELS, Phase
from tests.properties.wind_down import wind_down
from vram.answers import Reservation
from vram.ledger import VramLedger
from vram.records import Command, Limits, State
from vram.redis_ledger import RedisLedger
from vram.scripts import FOLDER

PICK = st.integers(0, 7)
MODEL = st.sampled_from(sorted(MODELS))
POLICIES = st.sampled_from(["rent", "rent", "residency", "gdsf", "lru", "weighted"])
#: Within a lease, beyond it, beyond each deadline, and a clock that is put forward.
JUMPS_MS = st.sampled_from([1, 50, 400, 3_000, 3_000, 9_000, 11_000, 31_000, 61_000, 4_000_000])
ASKS = st.fixed_dictionaries(
    {},
    optional={
        "has_fallback": st.booleans(),
        "penalty_ms": st.sampled_from([0.0, 40.0, 900.0]),
        "only_free": st.booleans(),
        "by_name": st.booleans(),
        "vram_mib": st.sampled_from([1, 70, 211, 213, 500, 849, 851, 2000]),
        "priority": st.sampled_from(["critical", "high", "medium", "low"]),
        "pin_seconds": st.sampled_from([5.0, 330.0]),
    },
)


class LedgerMachine(RuleBasedStateMachine):
    """One device; a subclass says in which store, and with which scripts."""

    client: ClassVar[redis.Redis]
    lua: ClassVar[Path] = FOLDER
    steps: Life

    def make_ledger(self, clock_ms: Callable[[], int]) -> VramLedger:
        """The ledger, on a clock of its own."""
        return RedisLedger(self.client, silent_seconds=15.0, clock_ms=clock_ms, lua=self.lua)

    def lose_data(self) -> None:
        """The store forgets everything."""
        self.client.flushdb()

    @initialize(
        policy=POLICIES, rate=st.sampled_from([0, 2, 30]), verified=st.integers(0, 5), size=PICK
    )
    def start(self, policy: str, rate: int, verified: int, size: int) -> None:
        """A device under any policy, mostly one whose memory can be read."""
        self.lose_data()
        limits = Limits(
            policy=policy,  # type: ignore[arg-type]  # one of the policies
            evictions_per_minute=rate,
            flexible_models=size % 4,
            high_models=size % 3,
            events_kept=1_000_000,
        )
        self.steps = Life(self.make_ledger, limits=limits, verified=verified > 0)

    @invariant()
    def book_and_truth_agree(self) -> None:
        """After every step."""
        if hasattr(self, "steps"):
            self.steps.verify()

    def teardown(self) -> None:
        """Whatever happened, it comes to rest."""
        if hasattr(self, "steps"):
            wind_down(self.steps)

    def picked(self, pick: int, *phases: Phase) -> int | None:
        """One of what the holder has in these phases."""
        found = [g for g, phase in sorted(self.steps.holder.phases.items()) if phase in phases]
        return found[pick % len(found)] if found else None

    # -- asking and loading -----------------------------------------------------------------------

    @rule(model=MODEL, how=ASKS)
    def ask(self, model: str, how: dict[str, object]) -> None:
        """Somebody wants a model."""
        self.steps.reserve(self.steps.ask(model, **how))

    @rule(model=MODEL, how=ASKS, twice=st.booleans())
    def load_now(self, model: str, how: dict[str, object], twice: bool) -> None:
        """Ask, unload whoever has to leave, load, use it and let it go."""
        self.load(model, how)
        if twice:
            self.load(model, how)

    def load(
        self, model: str, how: dict[str, object], *, part: float = 1.0, finish: bool = True
    ) -> Reservation:
        """A load by a holder that does what it should."""
        steps, ask = self.steps, self.steps.ask(model, **how)
        answer = steps.reserve(ask)
        for victim in answer.victims:
            steps.unload(victim.gen)
        if answer.outcome != "load" or answer.gen is None:
            return answer
        if steps.begin(answer.gen) == "ok" and finish and answer.gen in steps.holder.phases:
            loaded = steps.finish(answer.gen, max(1, int(ask.vram_mib * part)))
            if loaded and loaded.verdict == "ok":
                steps.pin(answer.gen, ask.token)
                steps.unpin(answer.gen, ask.token)
        return answer

    @rule(pick=PICK)
    def begin(self, pick: int) -> None:
        """A load starts."""
        if (gen := self.picked(pick, "reserved")) is not None:
            self.steps.begin(gen)

    @rule(pick=PICK, part=st.sampled_from([0.4, 1.0, 1.0, 1.6]))
    def finish(self, pick: int, part: float) -> None:
        """A load ends."""
        gen = self.picked(pick, "loading")
        entry = self.steps.entry(gen) if gen is not None else None
        if gen is not None and entry is not None:
            self.steps.finish(gen, max(1, int(entry.vram_mib * part)))

    @rule(pick=PICK)
    def fail(self, pick: int) -> None:
        """A load fails, or what is not being loaded is said to have failed."""
        if (gen := self.picked(pick, "reserved", "loading", "ready")) is not None:
            if self.steps.holder.phases[gen] == "ready":
                return
            self.steps.fail(gen)

    # -- using and leaving ------------------------------------------------------------------------

    @rule(pick=PICK, seconds=st.sampled_from([5.0, 330.0]))
    def pin(self, pick: int, seconds: float) -> None:
        """Somebody uses what is ready, and something is asked for that needs its room."""
        if (gen := self.picked(pick, "ready")) is not None:
            self.steps.pin(gen, f"use{pick}", seconds=seconds)

    @rule(pick=PICK)
    def unpin(self, pick: int) -> None:
        """A use ends."""
        for gen, tokens in sorted(self.steps.holder.tokens.items()):
            for token in sorted(tokens)[: pick + 1]:
                self.steps.unpin(gen, token)

    @rule(pick=PICK, stuck=st.sampled_from([0, 0, 40, 1000]))
    def unload(self, pick: int, stuck: int) -> None:
        """The holder unloads; with luck everything comes back."""
        if (gen := self.picked(pick, "ready", "unloading")) is not None:
            self.steps.unload(gen, stuck_mib=stuck)

    @rule(pick=PICK, obey=st.booleans())
    def drain(self, pick: int, obey: bool) -> None:
        """An operator wants it gone."""
        if (gen := self.picked(pick, "ready")) is not None:
            self.steps.ledger.drain(DEVICE_ID, gen, why="operator")
            self.steps.ledger.drain(DEVICE_ID, gen, why="operator")
            if obey:
                self.steps.unload(gen)

    @rule(pick=PICK, vram_mib=st.sampled_from([10, 100, 300]))
    def adjust(self, pick: int, vram_mib: int) -> None:
        """A model grows or shrinks."""
        if (gen := self.picked(pick, "ready")) is not None:
            self.steps.adjust(gen, vram_mib)

    @rule(model=MODEL, on=st.booleans())
    def keep(self, model: str, on: bool) -> None:
        """An operator pins a model, or takes that back."""
        self.steps.ledger.keep(DEVICE_ID, model, on=on)
        kept = [e.keep for e in self.steps.state().entries if e.model == model]
        assert all(k is on for k in kept)

    # -- time, the card, processes ----------------------------------------------------------------

    @rule(jump_ms=JUMPS_MS, alive=st.booleans())
    def wait(self, jump_ms: int, alive: bool) -> None:
        """Time passes, with or without a sign of life before."""
        if alive:
            self.steps.beat()
        self.steps.now_ms += jump_ms
        if jump_ms > 1000 * self.steps.limits.lease_seconds:
            held = {entry.state for entry in self.steps.state().entries}
            assert held <= {State.LOST, State.UNLOADING}, f"silent for {jump_ms} ms: {held}"

    @rule(obey=st.booleans())
    def beat(self, obey: bool) -> None:
        """A sign of life."""
        self.steps.beat(obey=obey)

    @rule()
    def observe(self) -> None:
        """The card is read."""
        self.steps.observe()

    @rule(vram_mib=st.sampled_from([0, 0, 100, 400, 900]))
    def another_process(self, vram_mib: int) -> None:
        """Somebody else takes memory of the card, or gives it back."""
        card = self.steps.card
        card.foreign_mib = min(vram_mib, card.foreign_mib + card.free_mib)

    @rule()
    def late_memory_comes_back(self) -> None:
        """What was stuck is free after all."""
        self.steps.card.settle()

    @rule()
    def relieve(self) -> None:
        """Room is made for one that ran out of memory."""
        self.steps.relieve()

    @rule(pick=PICK)
    @precondition(lambda self: hasattr(self, "steps"))
    def crash(self, pick: int) -> None:
        """The holder dies or hangs, and another takes over at once or when its lease is over."""
        self.steps.now_ms += (0, 0, 9_000, 12_000)[pick % 4]
        if pick < 4:
            self.steps.crash()
        else:
            self.steps.replace()

    @rule(ends=st.booleans())
    def zombie(self, ends: bool) -> None:
        """One that was replaced comes back to life, or ends."""
        for old in self.steps.zombies:
            self.steps.zombie_calls(old)
            if ends:
                self.steps.card.kill(old.incarnation)
        if ends:
            self.steps.zombies.clear()

    @rule(keep_process=st.booleans())
    def lose(self, keep_process: bool) -> None:
        """The store has lost everything."""
        self.steps.lose_data(self.lose_data, keep_process=keep_process)

    @rule(pick=PICK)
    def command(self, pick: int) -> None:
        """An operator's wish reaches the holder, and is told as done."""
        wish = Command(id=f"c{next(self.steps.numbers)}", action="optimize", model=None)
        self.steps.command(wish, lost=pick == 0)

    @rule(model=MODEL, how=ASKS, pick=PICK)
    def twice(self, model: str, how: dict[str, object], pick: int) -> None:
        """Every call made twice is made once."""
        self.steps.twice(model, how, pick)
