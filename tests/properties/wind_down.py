"""The end of every history: whatever happened, the device comes to rest and the book is true."""

from tests.properties.life import Life
from tests.properties.truth import DEVICE_ID, MODELS, Phase
from vram.records import Entry, State


def wind_down(life: Life) -> None:
    """Let everybody behave from now on: only what is ready stays, and not one MiB is lost."""
    life.verify()
    card = life.card
    card.foreign_mib = 0
    card.settle()
    for old in life.zombies:
        card.kill(old.incarnation)
    life.zombies.clear()
    for _ in range(4):
        _behave(life)
        life.verify()
        life.now_ms += 9_000
    _behave(life)
    # A reading that came while a model was being loaded may have seen too much: once more.
    life.observe()
    state = life.verify()
    assert all(e.state is State.READY for e in state.entries), state.entries
    assert all(not e.pins for e in state.entries)
    assert not life.verified or state.foreign_mib == 0, f"{state.foreign_mib} MiB are lost"
    booked = {(life.holder.incarnation, e.gen): e.vram_mib for e in state.entries}
    assert booked == card.held
    _serves_on(life)


def _behave(life: Life) -> None:
    """End all uses and loads, unload what is to go, clear away what was given up."""
    life.beat()
    holder = life.holder
    for gen, tokens in sorted(holder.tokens.items()):
        for token in sorted(tokens):
            life.unpin(gen, token)
    for gen, phase in sorted(holder.phases.items()):
        if entry := life.entry(gen):
            for token in sorted(entry.pins):
                life.unpin(gen, token)
            _end(life, entry, phase)
    life.beat()
    life.observe()


def _end(life: Life, entry: Entry, phase: Phase) -> None:
    """Bring what is under way to its end."""
    if phase == "reserved" and entry.state is State.RESERVED:
        life.fail(entry.gen)
    elif phase == "loading" and entry.state is State.LOADING:
        life.finish(entry.gen, entry.vram_mib)
    elif entry.state is State.UNLOADING:
        life.clear_away(entry.gen)


def _serves_on(life: Life) -> None:
    """A critical model gets on the device after all that."""
    for model in MODELS:
        life.ledger.keep(DEVICE_ID, model, on=False)
    answer = life.reserve(life.ask("critical-g", by_name=True, has_fallback=False))
    for victim in answer.victims:
        life.unload(victim.gen)
    if answer.outcome == "load" and answer.gen is not None:
        assert life.begin(answer.gen) == "ok"
        assert life.finish(answer.gen, MODELS["critical-g"][1]) is not None
    elif answer.outcome != "gpu":
        fixed = [e for e in life.state().entries if e.priority == "critical"]
        taken_mib = sum(e.vram_mib for e in fixed) + MODELS["critical-g"][1]
        assert taken_mib > life.state().usable_mib, f"{answer}: {life.state().entries}"
    life.verify()
