"""A trace served by one card and some CPU processes: what it costs, and how long it takes.

The queues are simple, so read latencies as a comparison of policies and not as a promise. Requests
queue for the card in order. When one's turn comes the policy decides with what is on the card then:
it runs there, after its load if it needs one, or it queues for the first CPU process that is free.
Loads and runs keep the card busy one after another, items of a request too; nothing is batched. A
request that is told to wait comes back when it was told to, until it has waited for a minute.
"""

import heapq
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from vram.decision import Decision
from vram.records import Limits, Policy
from vram.simulator.card import SimulatedCard
from vram.simulator.trace import Request, Trace

#: A request that could not be served for so long is given up.
_PATIENCE_MS: Final = 60_000
#: Even who is told to come back at once comes a little later.
_AT_ONCE_MS: Final = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Served:
    """What became of a trace. Shares are of all requests; times are simulated."""

    policy: Policy
    capacity_mib: int
    requests: int
    #: Found on the card; loaded; served on the CPU; given up.
    hits: int
    loads: int
    on_cpu: int
    refused: int
    evictions: int
    #: Spent loading; and what the CPU took longer than the card would have.
    load_ms: float
    penalty_ms: float
    #: How long the card and the CPU processes were busy.
    card_busy_ms: float
    cpu_busy_ms: float
    #: From arrival to end, of served requests.
    latencies_ms: tuple[float, ...] = field(repr=False)
    #: How often the policy gave each reason.
    reasons: Mapping[str, int]

    @property
    def work_ms(self) -> float:
        """Total work: what would not have been spent with every model on the card."""
        return self.load_ms + self.penalty_ms

    @property
    def hit_rate(self) -> float:
        """Share of requests whose model was on the card."""
        return self.hits / max(1, self.requests)

    @property
    def cpu_share(self) -> float:
        """Share of requests served on the CPU."""
        return self.on_cpu / max(1, self.requests)

    def latency_ms(self, percent: float) -> float:
        """A percentile of the latencies, the nearest rank; 0 when nothing was served."""
        if not self.latencies_ms:
            return 0.0
        ordered = sorted(self.latencies_ms)
        rank = -(-len(ordered) * percent // 100)
        return ordered[max(0, int(rank) - 1)]


def serve(trace: Trace, capacity_mib: int, limits: Limits, *, cpu_processes: int = 2) -> Served:
    """Serve a trace, beginning with an empty card."""
    run = _Run(trace, SimulatedCard(capacity_mib=capacity_mib, limits=limits), cpu_processes)
    while run.waiting:
        run.next()
    return run.outcome()


class _Run:
    """The queues in motion. Times are milliseconds since the trace's zero."""

    def __init__(self, trace: Trace, card: SimulatedCard, cpu_processes: int) -> None:
        self._trace, self._card = trace, card
        #: When it comes (again), its number, and itself; equal times in order of number.
        self.waiting = [(float(r.at_ms), n, r) for n, r in enumerate(trace.requests)]
        heapq.heapify(self.waiting)
        self._card_free_ms = 0.0
        self._cpus_free_ms = [0.0] * cpu_processes
        self._latencies_ms: list[float] = []
        self._counts: Counter[str] = Counter()
        self._reasons: Counter[str] = Counter()
        self._sums_ms = dict.fromkeys(("load", "penalty", "card", "cpu"), 0.0)

    def next(self) -> None:
        """Let the next request have its turn."""
        came_ms, number, request = heapq.heappop(self.waiting)
        start_ms = max(came_ms, self._card_free_ms)
        decision = self._card.ask(self._trace.models[request.model], request, int(start_ms))
        self._reasons[decision.reason] += 1
        self._counts["evictions"] += len(decision.victims)
        if decision.outcome in {"gpu", "load"}:
            self._on_card(request, decision, start_ms)
        elif decision.outcome == "cpu":
            self._on_cpu(request, start_ms)
        else:
            self._later(request, decision, start_ms, number)

    def outcome(self) -> Served:
        """The figures."""
        counts, sums = self._counts, self._sums_ms
        return Served(
            policy=self._card.limits.policy,
            capacity_mib=self._card.capacity_mib,
            requests=len(self._trace.requests),
            hits=counts["gpu"],
            loads=counts["load"],
            on_cpu=counts["cpu"],
            refused=counts["refused"],
            evictions=counts["evictions"],
            load_ms=sums["load"],
            penalty_ms=sums["penalty"],
            card_busy_ms=sums["card"],
            cpu_busy_ms=sums["cpu"],
            latencies_ms=tuple(self._latencies_ms),
            reasons=dict(self._reasons),
        )

    def _on_card(self, request: Request, decision: Decision, start_ms: float) -> None:
        model = self._trace.models[request.model]
        load_ms = model.load_ms if decision.outcome == "load" else 0.0
        busy_ms = load_ms + model.gpu_ms * request.items
        self._counts[decision.outcome] += 1
        self._sums_ms["load"] += load_ms
        self._sums_ms["card"] += busy_ms
        self._card_free_ms = start_ms + busy_ms
        self._latencies_ms.append(self._card_free_ms - request.at_ms)

    def _on_cpu(self, request: Request, start_ms: float) -> None:
        model = self._trace.models[request.model]
        busy_ms = model.cpu_ms * request.items
        end_ms = max(start_ms, heapq.heappop(self._cpus_free_ms)) + busy_ms
        heapq.heappush(self._cpus_free_ms, end_ms)
        self._counts["cpu"] += 1
        self._sums_ms["penalty"] += model.penalty_ms * request.items
        self._sums_ms["cpu"] += busy_ms
        self._latencies_ms.append(end_ms - request.at_ms)

    def _later(self, request: Request, decision: Decision, start_ms: float, number: int) -> None:
        again_ms = start_ms + max(_AT_ONCE_MS, decision.retry_ms)
        if decision.outcome == "refuse" or again_ms - request.at_ms > _PATIENCE_MS:
            self._counts["refused"] += 1
        else:
            heapq.heappush(self.waiting, (again_ms, number, request))
