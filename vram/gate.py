"""Whether an eviction has been earned, and what is remembered of each request for that. Pure.

A model that can be served on the CPU pays rent: what each request costs more there. Under the
policy `rent` it may drive others out when it has paid for its load *and* for what its victims were
worth to those who used them of late (rent or buy: Karlin, Manasse, Rudolph, Sleator, Competitive
Snoopy Caching, Algorithmica 3, 1988; the victims' part makes a swap of equals not pay).

It need not pay where taking in whatever is asked for has paid so far. Beside the card a shadow is
kept: the models that plain LRU would hold. Each request of a model adds to its demand what it would
have cost on the CPU, and each one the shadow does not hold adds a load. Where the demand is the
greater, LRU would have been a better choice than the CPU, so the model comes in at once. A model
that the shadow holds may have most of its visit behind it, so it needs half as much again.

All of it fades by half in `Limits.half_life_seconds`.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from vram.answers import Ask
from vram.decision import Decision
from vram.records import Entry, ModelStats
from vram.room import View
from vram.scores import faded, frequency, load_ms

#: A shadow longer than this says nothing that matters, and would cost time in every request.
SHADOW_MODELS: Final = 64
#: How many times its loads' cost the demand has to be, for a model the shadow holds.
HELD_FACTOR: Final = 1.5
_SERVED: Final = frozenset({"gpu", "load", "cpu"})


def gate_is_open(ask: Ask) -> bool:
    """Whether the asker need not earn an eviction."""
    return ask.priority == "critical" or not ask.has_fallback or ask.by_name


def rent(view: View, ask: Ask, victims: Sequence[Entry]) -> tuple[float, float]:
    """What serving the asker elsewhere has cost, this request included, and what is enough, ms."""
    stats = _asked(view, ask)
    earned_ms = stats.rent_ms + ask.penalty_ms
    needed_ms = load_ms(stats, ask.load_ms)
    factor = 1.0 if _is_missing(view, ask) else HELD_FACTOR
    if stats.demand_ms >= factor * stats.lru_loads * needed_ms:
        return earned_ms, 0.0
    for entry in victims:
        if not entry.loan:
            needed_ms += _until_now(view, entry.model).demand_ms
    return earned_ms, needed_ms


def pays_at_once(view: View, ask: Ask, victims: Sequence[Entry]) -> bool:
    """Whether this request alone costs more elsewhere than its load and its victims' next ones.

    Nothing is lost then, even if all of them come right back, so neither age nor rate hinders it.
    """
    if view.limits.policy != "rent":
        return False
    cost_ms = load_ms(view.stats.get(ask.model, ModelStats()), ask.load_ms)
    for entry in victims:
        cost_ms += load_ms(view.stats.get(entry.model, ModelStats()))
    return ask.penalty_ms >= cost_ms


def remembered(view: View, ask: Ask, decision: Decision) -> ModelStats:
    """What is remembered of the asker after the answer.

    A request served, here or elsewhere, is a use; one that has to come again is none yet, and a
    guess never is. A load begins the rent anew.
    """
    counts = decision.outcome in _SERVED and not ask.only_free
    stats = _asked(view, ask) if counts else _until_now(view, ask.model)
    if decision.outcome == "load":
        return replace(stats, rent_ms=0.0)
    if decision.outcome == "cpu" and counts:
        return replace(stats, rent_ms=stats.rent_ms + ask.penalty_ms)
    return stats


def shadow_after(view: View, ask: Ask, decision: Decision) -> tuple[tuple[str, int], ...]:
    """What plain LRU would hold after the request, the last used first."""
    counts = decision.outcome in _SERVED and not ask.only_free
    if view.limits.policy != "rent" or not counts or ask.vram_mib > view.usable_mib:
        return tuple(view.shadow)
    held = [(ask.model, ask.vram_mib)]
    left_mib = view.usable_mib - ask.vram_mib
    for model, vram_mib in view.shadow:
        if model != ask.model:
            left_mib -= vram_mib
            if left_mib < 0 or len(held) == SHADOW_MODELS:
                break
            held.append((model, vram_mib))
    return tuple(held)


def _asked(view: View, ask: Ask) -> ModelStats:
    """The asker's stats with this request counted."""
    stats = _until_now(view, ask.model)
    return replace(
        stats,
        frequency=stats.frequency + 1.0,
        demand_ms=stats.demand_ms + ask.penalty_ms,
        lru_loads=stats.lru_loads + (1.0 if _is_missing(view, ask) else 0.0),
    )


def _is_missing(view: View, ask: Ask) -> bool:
    """Whether plain LRU would have to load the asker now."""
    return all(model != ask.model for model, _ in view.shadow)


def _until_now(view: View, model: str) -> ModelStats:
    """A model's stats, faded until now."""
    stats = view.stats.get(model, ModelStats())
    left = faded(1.0, stats.aged_ms, view.now_ms, view.limits.half_life_seconds)
    return replace(
        stats,
        frequency=frequency(stats, view.limits, view.now_ms),
        rent_ms=stats.rent_ms * left,
        demand_ms=stats.demand_ms * left,
        lru_loads=stats.lru_loads * left,
        aged_ms=max(stats.aged_ms, view.now_ms),
    )
