"""What must hold for a device's ledger, checked from outside: its events alone, and its state.

Nothing here decides anything, and nothing is shared with the ledger but the records, so that a
fault there can't hide itself here. The property tests feed it; it may as well watch a live stream.

A device may be over its limit only because the truth told so: a reading found memory that is not
ours, or a model took more than was reserved for it, or memory that was to come back did not. An
admission is never the reason.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from vram.records import Device, DeviceState, Entry, Event, Priority, State

#: The later, the more important.
_RANK: Final[dict[Priority, int]] = {"low": 0, "medium": 1, "high": 2, "critical": 3}

#: What may follow a state; None: no entry. Nothing becomes ready but what was being loaded.
_NEXT: Final[dict[State | None, frozenset[State | None]]] = {
    None: frozenset({State.RESERVED}),
    State.RESERVED: frozenset({State.RESERVED, State.LOADING, None}),
    State.LOADING: frozenset({State.LOADING, State.READY, State.UNLOADING, State.LOST}),
    State.READY: frozenset({State.READY, State.DRAINING, State.LOST}),
    State.DRAINING: frozenset({State.DRAINING, State.UNLOADING, State.LOST}),
    State.UNLOADING: frozenset({State.UNLOADING, None}),
    State.LOST: frozenset({State.LOST, State.DRAINING, None}),
}
#: A new holder starts with nothing, so whatever was there is gone at once.
_ENDINGS: Final = frozenset({"register", "withdraw"})
#: The operations that may put a device over its limit now, because they tell what is.
_TELL_PHYSICAL: Final = frozenset({"observe", "loaded", "adjust", "register"})
#: The sweep and the end of an unload may besides bring back into the plan what was to leave.
_TELL_PLANNED: Final = _TELL_PHYSICAL | {"sweep", "beat", "unloaded"}
_COMING: Final = frozenset({State.RESERVED, State.LOADING, State.READY})
_PLANNED: Final = _COMING | {State.LOST}


@dataclass(frozen=True, kw_only=True, slots=True)
class Violation:
    """Something that must never be."""

    rule: str
    #: The event it shows in, or "state".
    where: str
    #: What was found, for a reader of a failed test.
    found: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Levels:
    """The nested limits of what classes may own, MiB; see docs/reference/vram.md."""

    flexible_mib: int
    high_mib: int

    @classmethod
    def of(cls, device: Device) -> "Levels":
        """Shares of what models may take when nobody else is on the device, rounded down."""
        limits = device.limits
        shares = limits.critical_share + limits.high_share + limits.flexible_share
        taken = device.reserved_mib + device.context_mib + device.headroom_mib
        base_mib = max(0, device.total_mib - taken)
        flexible = base_mib * limits.flexible_share // shares
        return cls(
            flexible_mib=flexible, high_mib=flexible + base_mib * limits.high_share // shares
        )

    def broken_for(self, priority: Priority, entries: Iterable[Entry]) -> list[str]:
        """Which of the levels that hold a class are exceeded by what is owned and planned."""
        owned = [e for e in entries if e.state in _PLANNED and not e.loan]
        found = []
        for name, top, limit_mib in (
            ("flexible", "medium", self.flexible_mib),
            ("high", "high", self.high_mib),
        ):
            rank = _RANK[top]  # type: ignore[index]  # two literals of the type above
            taken_mib = sum(e.vram_mib for e in owned if _RANK[e.priority] <= rank)
            if _RANK[priority] <= rank and taken_mib > limit_mib:
                found.append(f"{name}: {taken_mib} of {limit_mib} MiB")
        return found


class StreamCheck:
    """Follows the events of one device from its first one, and tells what must not be.

    Args:
        device: The device.
        last_gen: The greatest gen of an earlier stream of that device, where the store lost it.

    Attributes:
        entries: The device's entries as replayed so far, by gen.
        violations: What was found so far.
    """

    def __init__(self, device: Device, *, last_gen: int = 0) -> None:
        self.entries: dict[int, Entry] = {}
        self.violations: list[Violation] = []
        self._device = device
        self._levels = Levels.of(device)
        self._last_gen = last_gen
        self._inflation = 0.0
        self._foreign_mib = 0
        self._over = {"physical": 0, "planned": 0}
        self._victims: list[Entry] = []

    def feed(self, events: Iterable[Event]) -> list[Violation]:
        """Take more events in; answers what they violate."""
        known = len(self.violations)
        for event in events:
            self._follow(event)
        return self.violations[known:]

    def _follow(self, event: Event) -> None:
        before = self.entries.get(event.gen) if event.gen is not None else None
        if event.gen is not None and event.entry is not None:
            self.entries[event.gen] = event.entry
        elif event.gen is not None:
            self.entries.pop(event.gen, None)
        self._check_transition(event, before)
        self._check_sums(event)
        self._check_foreign(event, before)
        self._check_limits(event)
        self._check_victims(event, before)
        if event.op == "reserve" and before is None and event.entry is not None:
            self._check_new(event, event.entry)
        if before is not None and before.loan and event.entry is not None:
            self._check_promotion(event, event.entry)

    def _found(self, rule: str, event: Event, found: str) -> None:
        self.violations.append(
            Violation(rule=rule, where=f"{event.id} {event.op}/{event.why}", found=found)
        )

    def _check_transition(self, event: Event, before: Entry | None) -> None:
        if event.gen is None:
            return
        old = before.state if before else None
        new = event.entry.state if event.entry else None
        ends = new is None and event.op in _ENDINGS
        if new not in _NEXT[old] and not ends:
            self._found("transition", event, f"{event.model} {event.gen}: {old} → {new}")
        if old is None and event.gen <= self._last_gen:
            self._found("gens_rise", event, f"{event.gen} after {self._last_gen}")
        self._last_gen = max(self._last_gen, event.gen)

    def _check_sums(self, event: Event) -> None:
        """The stream tells the whole truth: replayed, it gives the sums it states."""
        physical = sum(e.vram_mib for e in self.entries.values() if e.state is not State.RESERVED)
        planned = sum(e.vram_mib for e in self.entries.values() if e.state in _PLANNED)
        if (physical, planned) != (event.physical_mib, event.planned_mib):
            stated = f"stated {event.physical_mib} and {event.planned_mib}"
            self._found("replay", event, f"replayed {physical} and {planned} MiB, {stated}")

    def _check_foreign(self, event: Event, before: Entry | None) -> None:
        """What was not seen to be free does not count as free."""
        grown_mib = event.foreign_mib - self._foreign_mib
        self._foreign_mib = event.foreign_mib
        if not self._device.verified:
            return
        if grown_mib < 0 and event.op != "observe":
            self._found("unproven", event, f"foreign fell by {-grown_mib} MiB")
        due_mib = _unproven_mib(event, before)
        if due_mib > max(0, grown_mib):
            self._found("unproven", event, f"{due_mib} MiB left the book, foreign +{grown_mib}")

    def _check_limits(self, event: Event) -> None:
        over = {
            "physical": max(0, event.physical_mib - event.usable_mib),
            "planned": max(0, event.planned_mib - event.usable_mib),
        }
        for name, allowed in (("physical", _TELL_PHYSICAL), ("planned", _TELL_PLANNED)):
            if over[name] > self._over[name] and event.op not in allowed:
                self._found(f"{name}_within_usable", event, f"over by {over[name]} MiB")
        self._over = over
        state = event.entry.state if event.entry else None
        if event.op == "begin" and state is State.LOADING and over["physical"]:
            self._found("begun_over", event, f"over by {over['physical']} MiB")

    def _check_victims(self, event: Event, before: Entry | None) -> None:
        leaves = event.entry is not None and event.entry.state is State.DRAINING
        if leaves and before is not None and before.state is State.READY and event.op != "drain":
            assert event.entry is not None  # noqa: S101 - told by `leaves`
            if before.keep or before.priority == "critical":
                self._found("victim", event, f"{before.model} is {before.priority} or kept")
            if event.op == "reserve":
                self._victims.append(before)
        elif self._victims and (event.op != "reserve" or event.entry is None):
            self._found("victims_for_nothing", event, str([e.model for e in self._victims]))
            self._victims = []

    def _check_new(self, event: Event, entry: Entry) -> None:
        if event.planned_mib > event.usable_mib:
            over_mib = event.planned_mib - event.usable_mib
            self._found("reserved_over", event, f"{entry.model}: over by {over_mib} MiB")
        same = [e for e in self.entries.values() if e.model == entry.model and e.state in _COMING]
        if len(same) > 1:
            self._found("once_per_model", event, f"{[(e.gen, e.state) for e in same]}")
        if entry.inflation < self._inflation:
            self._found("inflation", event, f"{entry.inflation} after {self._inflation}")
        self._inflation = max(self._inflation, entry.inflation)
        broken = [] if entry.loan else self._levels.broken_for(entry.priority, self._all())
        if broken:
            self._found("levels", event, f"{entry.model} ({entry.priority}): {broken}")
        self._check_choice(event, entry)

    def _check_promotion(self, event: Event, entry: Entry) -> None:
        broken = [] if entry.loan else self._levels.broken_for(entry.priority, self._all())
        if broken or (not entry.loan and event.planned_mib > event.usable_mib):
            self._found("promoted_over", event, f"{entry.model} ({entry.priority}): {broken}")

    def _check_choice(self, event: Event, asker: Entry) -> None:
        victims, self._victims = self._victims, []
        if victims and asker.loan:
            self._found("loans_evict_nobody", event, str([e.model for e in victims]))
        for victim in victims:
            if _RANK[victim.priority] > _RANK[asker.priority]:
                self._found("victim_of_higher_class", event, f"{victim.model} for {asker.model}")
            back = [victim if e.gen == victim.gen else e for e in self._all()]
            fits = event.planned_mib + victim.vram_mib <= event.usable_mib
            if (
                fits
                and not self._is_crowded(asker, victim)
                and not self._levels.broken_for(asker.priority, back)
            ):
                self._found("victims_minimal", event, f"{victim.model} could have stayed")

    def _is_crowded(self, asker: Entry, victim: Entry) -> bool:
        """Whether the asker's zone would hold too many models with the victim back in it."""
        limits, flexible = self._device.limits, {"low", "medium"}
        zone = flexible if asker.priority in flexible else {asker.priority}
        most = limits.flexible_models if zone == flexible else limits.high_models
        if victim.priority not in zone or asker.priority == "critical" or most == 0:
            return False
        return sum(e.priority in zone and e.state in _PLANNED for e in self._all()) + 1 > most

    def _all(self) -> list[Entry]:
        return list(self.entries.values())


def _unproven_mib(event: Event, before: Entry | None) -> int:
    """What this event takes out of the book without anybody having seen it free."""
    if before is None or before.state is State.RESERVED:
        return 0
    after_mib = event.entry.vram_mib if event.entry else 0
    if event.entry is None and event.op not in {"sweep", "register"}:
        # Told by the holder, with what came back; what did not is in the event's detail.
        return 0
    return max(0, before.vram_mib - after_mib)


def check_stream(device: Device, events: Iterable[Event]) -> list[Violation]:
    """What a device's events violate, from the very first one to the last."""
    return StreamCheck(device).feed(events)


def check_state(state: DeviceState) -> list[Violation]:
    """What a device's state violates, whatever happened before."""
    found = []
    for entry in state.entries:
        same = [e for e in state.entries if e.model == entry.model and e.state in _COMING]
        if len(same) > 1:
            found.append(("once_per_model", str([(e.gen, e.state) for e in same])))
        if entry.pins and entry.state not in {State.READY, State.DRAINING, State.LOST}:
            found.append(("pinned", f"{entry.model} is {entry.state} and pinned"))
        if any(until_ms <= state.now_ms for until_ms in entry.pins.values()):
            found.append(("pinned_for_ever", f"{entry.model}: {dict(entry.pins)}"))
        if entry.vram_mib < 0:
            found.append(("negative", f"{entry.model}: {entry.vram_mib} MiB"))
    if state.foreign_mib < 0:
        found.append(("negative", f"foreign: {state.foreign_mib} MiB"))
    return [Violation(rule=rule, where="state", found=text) for rule, text in found]


def check_replay(state: DeviceState, check: StreamCheck) -> list[Violation]:
    """Whether the events lead to the state: all of an entry but who uses it, and until when."""
    booked = {e.gen: _told(e) for e in state.entries}
    replayed = {e.gen: _told(e) for e in check.entries.values()}
    if booked == replayed:
        return []
    found = f"booked {booked}, replayed {replayed}"
    return [Violation(rule="replay", where="state", found=found)]


def _told(entry: Entry) -> tuple[object, ...]:
    """What the stream tells of an entry."""
    return (entry.model, entry.state, entry.priority, entry.vram_mib, entry.loan, entry.keep)
