"""A card whose memory is decided by the policy itself; loads and unloads take effect at once."""

from dataclasses import dataclass, field, replace

from vram.answers import Ask
from vram.decision import Decision
from vram.gate import remembered, shadow_after
from vram.policy import MINUTE_MS, decide
from vram.records import Entry, Limits, ModelStats, State
from vram.room import View
from vram.simulator.trace import Request, SimulatedModel


@dataclass(kw_only=True, slots=True)
class SimulatedCard:
    """What the ledger keeps of a device, without a store, leases and foreign memory.

    One request is decided at a time, so nobody ever waits for another's load or unload: entries are
    ready from the decision that makes them, and gone from the decision that ends them.
    """

    capacity_mib: int
    limits: Limits
    _entries: dict[str, Entry] = field(default_factory=dict)
    _stats: dict[str, ModelStats] = field(default_factory=dict)
    _evicted_ms: list[int] = field(default_factory=list)
    _shadow: tuple[tuple[str, int], ...] = ()
    _inflation: float = 0.0
    _last_gen: int = 0

    def ask(self, model: SimulatedModel, request: Request, now_ms: int) -> Decision:
        """Decide a request and carry the decision out."""
        ask = Ask(
            model=model.id,
            vram_mib=model.vram_mib,
            priority=model.priority,
            token="",
            has_fallback=model.has_fallback,
            penalty_ms=model.penalty_ms * request.items,
            load_ms=model.load_ms,
        )
        view = View(
            entries=tuple(self._entries.values()),
            stats=self._stats,
            limits=self.limits,
            base_mib=self.capacity_mib,
            usable_mib=self.capacity_mib,
            pressure=False,
            now_ms=now_ms,
            evicted_ms=self._evicted_ms,
            shadow=self._shadow,
        )
        decision = decide(view, ask)
        stats = remembered(view, ask, decision)
        if decision.outcome == "load":
            # The load ends before the next request is decided, and took what it was said to take.
            stats = replace(stats, load_ms=model.load_ms, loads=stats.loads + 1)
        self._stats[model.id] = stats
        self._shadow = shadow_after(view, ask, decision)
        self._carry_out(decision, ask, now_ms)
        return decision

    @property
    def resident(self) -> frozenset[str]:
        """Models on the card."""
        return frozenset(self._entries)

    def _carry_out(self, decision: Decision, ask: Ask, now_ms: int) -> None:
        for victim in decision.victims:
            del self._entries[victim.model]
            if ask.priority != "critical":
                self._evicted_ms.append(now_ms)
        self._evicted_ms = [ms for ms in self._evicted_ms if now_ms - ms < MINUTE_MS]
        self._inflation = max(self._inflation, decision.inflation)
        if decision.outcome == "load":
            self._last_gen += 1
            self._entries[ask.model] = Entry(
                gen=self._last_gen,
                model=ask.model,
                state=State.READY,
                priority=ask.priority,
                vram_mib=ask.vram_mib,
                loan=decision.loan,
                keep=False,
                incarnation=1,
                since_ms=now_ms,
                used_ms=now_ms,
                lease_ms=0,
                deadline_ms=0,
                pins={},
                inflation=self._inflation,
            )
        elif decision.outcome == "gpu":
            entry = self._entries[ask.model]
            self._entries[ask.model] = replace(
                entry,
                used_ms=now_ms,
                inflation=self._inflation,
                loan=entry.loan and not decision.promote,
            )
