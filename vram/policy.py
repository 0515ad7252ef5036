"""What a device's ledger answers to a request for a model: pure, from plain values.

The order of the questions: is it there, or coming, or going · was it put off after a failure · is
it larger than the device · is there room · who would have to leave · has that been earned.

**The gate.** Before anybody has to leave for it, a model that can be served on the CPU must earn
it: under `rent` by what it cost there, see `vram.gate`; under `residency` every resident is left
alone for a while. Both leave residents alone for a few of their own load times. Free room is always
taken, and loans may always be called back.

This is the definition; `vram/lua` answers the same from what the store holds, and a test compares
them. The simulator decides with this.
"""

from collections.abc import Collection, Sequence
from typing import Final

from vram.answers import Ask, Outcome, Reason, Victim
from vram.decision import Decision
from vram.gate import gate_is_open, pays_at_once, rent
from vram.records import Entry, Limits, ModelStats, State
from vram.room import (
    RANK,
    View,
    fits,
    level_mib,
    may_be_promoted,
    planned,
    short_in_all_mib,
    short_in_levels_mib,
    zone_is_full,
)
from vram.scores import GATED, load_ms, order, worth

#: When to ask again about something that ends soon, but nobody knows when.
SOON_MS: Final = 250
#: When to ask again where only a reading of the device can make room; how often it is read.
READ_AGAIN_MS: Final = 5000
#: The window of `Limits.evictions_per_minute`.
MINUTE_MS: Final = 60_000
_COMING: Final = frozenset({State.RESERVED, State.LOADING})


def decide(view: View, ask: Ask) -> Decision:
    """Answer a request.

    Args:
        view: The device, after its sweep. The asker's stats are those from before the request.
        ask: The request.
    """
    return _present(view, ask) or _put_off(view, ask) or _placed(view, ask) or _evicting(view, ask)


def _present(view: View, ask: Ask) -> Decision | None:
    """The answer when the model is there, comes or goes."""
    found = {entry.state: entry for entry in view.entries if entry.model == ask.model}
    if ready := found.get(State.READY):
        promote = ready.loan and may_be_promoted(view, ready)
        return Decision(
            outcome="gpu", reason="access_existing", gen=ready.gen, promote=promote, loan=ready.loan
        )
    if coming := found.get(State.LOADING) or found.get(State.RESERVED):
        left_ms = int(load_ms(view.stats.get(ask.model, ModelStats()), ask.load_ms))
        if coming.state is State.LOADING:
            left_ms -= view.now_ms - coming.since_ms
        return Decision(
            outcome="join", reason="loading", gen=coming.gen, retry_ms=max(SOON_MS, left_ms)
        )
    if found:
        return _no(ask, "draining", wait=True, retry_ms=SOON_MS)
    return None


def _put_off(view: View, ask: Ask) -> Decision | None:
    """The answer after failed loads, until they are forgiven."""
    stats = view.stats.get(ask.model, ModelStats())
    if ask.by_name:
        return None
    if stats.failures >= view.limits.quarantine_failures:
        return _no(ask, "quarantined", wait=False)
    left_ms = stats.not_before_ms - view.now_ms
    if left_ms > 0:
        short = left_ms <= view.limits.load_seconds * 1000.0
        return _no(ask, "load_backoff", wait=short, retry_ms=left_ms)
    return None


def _placed(view: View, ask: Ask) -> Decision | None:
    """The answer when nobody has to leave, or when nobody's leaving would help."""
    if ask.vram_mib > view.usable_mib:
        # What others take, or what is not proven to be free, may be free after the next reading.
        return _no(
            ask,
            "insufficient_vram",
            wait=ask.vram_mib <= view.base_mib,
            retry_ms=READ_AGAIN_MS,
            short_mib=ask.vram_mib - view.usable_mib,
        )
    if fits(view, ask):
        return Decision(outcome="load", reason="direct_allocation")
    room = short_in_all_mib(view, ask) == 0 and not zone_is_full(view, ask)
    if room and not view.pressure:
        return Decision(outcome="load", reason="direct_allocation", loan=True)
    if ask.only_free:
        return _no(ask, "no_free_room", wait=False, short_mib=_short_mib(view, ask))
    over_level_mib = ask.vram_mib - level_mib(view, ask.priority)
    if over_level_mib > 0:
        return _no(ask, "insufficient_vram", wait=False, short_mib=over_level_mib)
    return None


def _evicting(view: View, ask: Ask) -> Decision:
    """The answer when somebody has to leave."""
    allowed = [entry for entry in view.entries if _may_leave(entry, ask)]
    wait = _room_may_come(view, ask)
    if not allowed:
        return _no(ask, "no_eviction_candidates", wait=wait, short_mib=_short_mib(view, ask))
    victims = _smallest(view, ask, [e for e in allowed if _young_ms(view, ask, e) == 0])
    if victims:
        return _gated(view, ask, victims)
    young = _smallest(view, ask, allowed)
    if young:
        left_ms = max(_young_ms(view, ask, entry) for entry in young)
        return _no(ask, "residents_too_young", wait=True, retry_ms=left_ms)
    gone = [entry.gen for entry in allowed]
    short_mib = _short_mib(view, ask, gone)
    reason: Reason = "zone_full" if short_mib == 0 else "eviction_insufficient"
    return _no(ask, reason, wait=wait, short_mib=short_mib)


def _gated(view: View, ask: Ask, victims: Sequence[Entry]) -> Decision:
    """The answer when the victims are found: whether it was earned, and whether the rate holds."""
    limits = view.limits
    rent_ms, needed_ms = rent(view, ask, victims)
    calls_back = all(entry.loan for entry in victims)
    if limits.policy == "rent" and not (gate_is_open(ask) or calls_back) and rent_ms < needed_ms:
        return Decision(
            outcome="cpu", reason="rent_not_earned", rent_ms=rent_ms, rent_needed_ms=needed_ms
        )
    late_ms = 0 if pays_at_once(view, ask, victims) else _over_rate_ms(view, ask, len(victims))
    if late_ms > 0:
        return _no(ask, "eviction_rate", wait=True, retry_ms=late_ms)
    return Decision(
        outcome="load",
        reason="eviction_based_allocation",
        victims=tuple(
            Victim(gen=entry.gen, model=entry.model, vram_mib=entry.vram_mib) for entry in victims
        ),
        inflation=max(worth(view, entry) for entry in victims),
        rent_ms=rent_ms,
        rent_needed_ms=needed_ms,
    )


def _may_leave(entry: Entry, ask: Ask) -> bool:
    """Whether an entry may be chosen at all, whatever its age."""
    may_drain_busy = ask.priority == "critical" or not ask.has_fallback
    return (
        entry.state is State.READY and _is_below(entry, ask) and (may_drain_busy or not entry.pins)
    )


def _is_below(entry: Entry, ask: Ask) -> bool:
    # Who asks while it uses another model would wait for itself.
    return (
        not entry.keep
        and entry.priority != "critical"
        and RANK[entry.priority] <= RANK[ask.priority]
        and ask.token not in entry.pins
    )


def _young_ms(view: View, ask: Ask, entry: Entry) -> int:
    """For how long an entry is too young still to leave for the asker; 0: it is old enough."""
    limits = view.limits
    if limits.policy not in GATED or entry.loan or RANK[ask.priority] > RANK[entry.priority]:
        return 0
    if pays_at_once(view, ask, [entry]):
        return 0
    stay_ms = limits.floor_loads * load_ms(view.stats.get(entry.model, ModelStats()))
    if limits.policy == "residency" and not gate_is_open(ask):
        stay_ms = max(stay_ms, _residency_seconds(limits, entry) * 1000.0)
    return max(0, int(stay_ms) - (view.now_ms - entry.since_ms))


def _residency_seconds(limits: Limits, entry: Entry) -> float:
    if entry.priority == "high":
        return limits.high_residency_seconds
    return limits.flexible_residency_seconds


def _smallest(view: View, ask: Ask, candidates: Sequence[Entry]) -> tuple[Entry, ...]:
    """Victims after whom the asker fits, none of whom can be spared; none: it can't be made to fit.

    Taken in order until it fits; then, the most valuable first, whoever is not needed may stay.
    """
    chosen: list[Entry] = []
    for entry in sorted(candidates, key=lambda one: order(view, one)):
        chosen.append(entry)
        if fits(view, ask, _gens(chosen)):
            break
    else:
        return ()
    for entry in reversed(tuple(chosen)):
        rest = [one for one in chosen if one is not entry]
        if fits(view, ask, _gens(rest)):
            chosen = rest
    return tuple(chosen)


def _room_may_come(view: View, ask: Ask) -> bool:
    """Whether there would be room if all that may ever leave for the asker had left."""
    return fits(view, ask, [entry.gen for entry in planned(view) if _is_below(entry, ask)])


def _over_rate_ms(view: View, ask: Ask, count: int) -> int:
    """When so many more evictions are within the rate; 0: now. At least one set is within it."""
    most = view.limits.evictions_per_minute
    recent = sorted(ms for ms in view.evicted_ms if view.now_ms - ms < MINUTE_MS)
    if most <= 0 or ask.priority == "critical" or not recent or len(recent) + count <= most:
        return 0
    # So many of the recent ones have to be older than a minute first.
    waited_for = recent[min(len(recent), len(recent) + count - most) - 1]
    return waited_for + MINUTE_MS - view.now_ms


def _short_mib(view: View, ask: Ask, gone: Collection[int] = ()) -> int:
    return max(short_in_all_mib(view, ask, gone), short_in_levels_mib(view, ask, gone))


def _gens(entries: Sequence[Entry]) -> frozenset[int]:
    return frozenset(entry.gen for entry in entries)


def _no(ask: Ask, reason: Reason, *, wait: bool, retry_ms: int = 0, short_mib: int = 0) -> Decision:
    """Not here: elsewhere where that is possible; else later where that helps; else not at all."""
    outcome: Outcome = "cpu" if ask.has_fallback else "wait" if wait else "refuse"
    return Decision(outcome=outcome, reason=reason, retry_ms=retry_ms, short_mib=short_mib)
