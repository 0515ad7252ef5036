"""Steps that come together: what random ones alone would meet once in a thousand histories."""

from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.properties.machine import MODEL, PICK, LedgerMachine
from tests.properties.truth import DEVICE_ID, MODELS
from vram.records import State

CLASSES = st.sampled_from(["critical", "high", "medium", "low"])


class DenseMachine(LedgerMachine):
    """Loads at once, and then hangs, falls silent, dies or lies."""

    def ready(self, model: str) -> int | None:
        """Have a model on the device, if it can be had; its gen."""
        self.load(model, {"by_name": True, "has_fallback": False})
        entries = self.steps.state().entries
        found = [e.gen for e in entries if e.model == model and e.state is State.READY]
        return found[0] if found else None

    @rule(model=MODEL, part=st.sampled_from([0.3, 0.9, 1.0, 1.2, 2.5]))
    def load_wrongly_estimated(self, model: str, part: float) -> None:
        """What it takes is not what was expected."""
        self.load(model, {"by_name": True}, part=part)

    @rule(model=MODEL)
    def hang(self, model: str) -> None:
        """A load ends only after it was given up; the holder gives signs of life all the time."""
        answer = self.load(model, {"has_fallback": False}, finish=False)
        for _ in range(8):
            self.steps.now_ms += 8_000
            self.steps.beat(obey=False)
        if answer.outcome == "load" and answer.gen in self.steps.holder.phases:
            entry = self.steps.entry(answer.gen)
            assert entry is None or entry.state is not State.LOADING, "nobody gave it up"
            if self.steps.holder.phases[answer.gen] == "loading":
                self.steps.tell_loaded(answer.gen, 1)

    @rule(pick=PICK, priority=CLASSES)
    def displace_what_is_pinned(self, pick: int, priority: str) -> None:
        """A pinned model may be told to leave; it does not before its use has ended."""
        gen = self.picked(pick, "ready")
        if gen is None or self.steps.pin(gen, "held", seconds=100.0) != "ok":
            return
        how = {"priority": priority, "has_fallback": False, "vram_mib": 700}
        self.steps.reserve(self.steps.ask("critical-h", **how))
        assert self.steps.unload(gen) != "ok", "it was unloaded under its user"
        self.steps.unpin(gen, "held")

    @rule(model=MODEL)
    def observe_too_late(self, model: str) -> None:
        """The card is read, a load begins, the reading is told."""
        self.steps.observe_across(lambda: self.load(model, {"by_name": True}, finish=False))

    @rule(model=MODEL, back=st.booleans())
    def fall_silent(self, model: str, back: bool) -> None:
        """A holder with something loaded says nothing for a lease, or until it is written off."""
        self.ready(model)
        self.wait(11_000, alive=True)
        if not back:
            self.steps.verify()
            self.wait(16_000, alive=False)
        self.steps.verify()
        self.steps.beat(obey=False)
        ready = [e for e in self.steps.state().entries if e.state is State.READY]
        assert not ready, "what was lost is served again"

    @rule(model=MODEL)
    def stranger_comes_before_a_load(self, model: str) -> None:
        """Another process takes most of the card, and nobody has read it since."""
        self.another_process(700)
        self.load(model, {"by_name": True, "has_fallback": False})

    @rule(model=MODEL, dies=st.booleans())
    def take_over(self, model: str, dies: bool) -> None:
        """Another holder comes while a model is there; the old one speaks on, or is dead."""
        self.ready(model)
        old = self.steps.holder
        if dies:
            self.steps.crash()
        else:
            self.steps.replace()
        self.steps.zombie_calls(old)

    @rule(model=MODEL)
    def use_and_forget(self, model: str) -> None:
        """Somebody uses it and never says that it is over."""
        gen = self.ready(model)
        if gen is not None:
            self.steps.pin(gen, "forgotten", seconds=5.0)
            for _ in range(2):
                self.steps.beat()
                self.steps.now_ms += 3_000

    @rule(model=MODEL, other=MODEL, stuck=st.sampled_from([60, 1000]))
    def read_during_a_load(self, model: str, other: str, stuck: int) -> None:
        """Something did not come back, a load has begun, and the card is read."""
        gen = self.ready(model)
        if gen is not None:
            self.steps.ledger.drain(DEVICE_ID, gen, why="test")
            self.steps.unload(gen, stuck_mib=stuck)
        answer = self.load(other, {"by_name": True, "has_fallback": False}, finish=False)
        self.steps.verify()
        self.steps.observe()
        if answer.gen is not None and self.steps.holder.phases.get(answer.gen) == "loading":
            self.steps.finish(answer.gen, MODELS[other][1])

    @rule(
        model=st.sampled_from(["critical-g", "critical-h", "high-e"]),
        kept=st.booleans(),
        priority=st.sampled_from(["critical", "critical", "high", "medium"]),
        vram_mib=st.sampled_from([700, 400]),
    )
    def want_it_all(self, model: str, kept: bool, priority: str, vram_mib: int) -> None:
        """One asks for nearly the whole device, right after another has got on it."""
        self.steps.card.settle()
        self.steps.card.foreign_mib = 0
        self.ready(model)
        self.steps.observe()
        self.keep(model, on=kept)
        other = "critical-h" if model != "critical-h" else "critical-g"
        self.load(
            other,
            {"priority": priority, "vram_mib": vram_mib, "by_name": True, "has_fallback": False},
        )
