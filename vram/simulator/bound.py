"""A lower bound on the total work of *any* policy on a trace, online or not, and why it is one.

Total work: load times, and what requests cost more on the CPU. Number the requests 0 … n-1 and call
the time between request k and the next one gap k. Whatever a policy does, each model is on the card
or not in each gap, and

- in each gap the models on the card take no more than its capacity C;
- a request for a model that was not on the card in the gap before costs a load, or the penalty;
- a model that is on the card in a gap was loaded after the last gap it was not.

Choose any prices λ(k) ≥ 0 and charge λ(k) for each MiB on the card in gap k. By the first rule no
policy is charged more than C · Σ λ(k), so

    work ≥ work + charges - C · Σ λ(k) ≥ Σ over models of the least (work + charges) - C · Σ λ(k).

The last sum no longer couples the models: each one's least is that of keeping, loading or the CPU
at each of its own requests, which dynamic programming over two states finds exactly. A model larger
than the card can only be served on the CPU. So the right-hand side is a lower bound for every
choice of λ (Lagrangian weak duality); a bad choice makes it weaker, never wrong. With λ = 0 it is
rent or buy of each model on its own.

`lower_bound_ms` climbs by subgradient steps: gaps with too much in them become dearer, those with
room cheaper (B. T. Polyak, Minimization of unsmooth functionals, 1969). The bound is for policies
that serve everything that can be served; a refused request is no work.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Final

from vram.simulator.trace import SimulatedModel, Trace

#: Gaps are priced in so many groups at most; more make the bound tighter and slower.
_GROUPS: Final = 200
#: The steps aim this far above the best bound so far.
_AIM: Final = 1.05
#: After so many steps without a better bound they become smaller.
_PATIENCE: Final = 4
_NEVER: Final = float("inf")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Wanted:
    """A model's requests: their numbers, and what each costs on the CPU."""

    model: SimulatedModel
    numbers: Sequence[int]
    penalties_ms: Sequence[float]


class _Gaps:
    """The gaps in groups of equal price."""

    def __init__(self, count: int) -> None:
        edges = sorted({count * group // _GROUPS for group in range(_GROUPS + 1)})
        self.spans = list(pairwise(edges))
        self.prices = [0.0] * len(self.spans)
        self._group_of = [g for g, (a, b) in enumerate(self.spans) for _ in range(a, b)]

    def charged(self) -> list[float]:
        """What a MiB on the card from the beginning until before gap k is charged, for each k."""
        return [0.0, *accumulate(self.prices[group] for group in self._group_of)]

    def summed(self, held_mib: Sequence[int]) -> list[int]:
        """MiB times gaps in each group, from MiB in each gap."""
        return [sum(held_mib[a:b]) for a, b in self.spans]


def lower_bound_ms(trace: Trace, capacity_mib: int, *, steps: int = 60) -> float:
    """No policy serves a trace with less total work than this, milliseconds.

    Args:
        trace: The load; the card is empty before it.
        capacity_mib: What models may take on the card.
        steps: More make the bound tighter; 0 leaves λ = 0.
    """
    wanted, gaps = _wanted(trace), _Gaps(len(trace.requests))
    best, reach, misses = _priced(wanted, gaps, capacity_mib)[0], 2.0, 0
    for _ in range(steps):
        value, over_mib = _priced(wanted, gaps, capacity_mib)
        best, misses = (value, 0) if value > best else (best, misses + 1)
        if misses > _PATIENCE:
            reach, misses = reach / 1.5, 0
        steepness = sum(over * over for over in over_mib)
        if steepness == 0:
            break
        stride = reach * (best * _AIM + 1.0 - value) / steepness
        gaps.prices = [
            max(0.0, price + stride * over)
            for price, over in zip(gaps.prices, over_mib, strict=True)
        ]
    return max(0.0, best)


def _wanted(trace: Trace) -> list[_Wanted]:
    numbers: dict[str, list[int]] = {}
    for number, request in enumerate(trace.requests):
        numbers.setdefault(request.model, []).append(number)
    return [
        _Wanted(
            model=model,
            numbers=numbers[model.id],
            penalties_ms=[
                model.penalty_ms * trace.requests[number].items if model.has_fallback else _NEVER
                for number in numbers[model.id]
            ],
        )
        for model in trace.models.values()
        if model.id in numbers
    ]


def _priced(wanted: Sequence[_Wanted], gaps: _Gaps, capacity_mib: int) -> tuple[float, list[int]]:
    """The bound at these prices; and by how much each group is over the capacity, MiB times gaps.

    The second is a subgradient of the first.
    """
    charged = gaps.charged()
    total = len(charged) - 1
    bound = -capacity_mib * charged[total]
    changes_mib = [0] * (total + 1)
    for one in wanted:
        if one.model.vram_mib > capacity_mib:
            bound += sum(one.penalties_ms) if one.model.has_fallback else 0.0
            continue
        cost_ms, kept = _least(one, charged)
        bound += cost_ms
        for start, end in kept:
            changes_mib[start] += one.model.vram_mib
            changes_mib[end] -= one.model.vram_mib
    held_mib = list(accumulate(changes_mib))[:total]
    over_mib = [
        held - capacity_mib * (b - a)
        for held, (a, b) in zip(gaps.summed(held_mib), gaps.spans, strict=True)
    ]
    return bound, over_mib


def _least(one: _Wanted, charged: Sequence[float]) -> tuple[float, list[tuple[int, int]]]:
    """The least a model can cost on its own, charges included; and from when to when it is kept."""
    # Least cost so far, with the model on the card or off it after the last request; and for each
    # request whether the model was on the card before it, where it is on, or off, after it.
    on_ms, off_ms = _NEVER, 0.0
    came_on: list[tuple[bool, bool]] = []
    before = one.numbers[0]
    for number, penalty_ms in zip(one.numbers, one.penalties_ms, strict=True):
        kept_ms = on_ms + one.model.vram_mib * (charged[number] - charged[before])
        loaded_ms = off_ms + one.model.load_ms
        missed_ms = off_ms + min(one.model.load_ms, penalty_ms)
        came_on.append((kept_ms <= loaded_ms, kept_ms <= missed_ms))
        on_ms, off_ms = min(kept_ms, loaded_ms), min(kept_ms, missed_ms)
        before = number
    return off_ms, list(_kept(one.numbers, came_on))


def _kept(
    numbers: Sequence[int], came_on: Sequence[tuple[bool, bool]]
) -> Iterator[tuple[int, int]]:
    """The gaps over which the cheapest schedule keeps a model, told backwards; off at the end."""
    is_on = False
    for index in range(len(numbers) - 1, 0, -1):
        if_on, if_off = came_on[index]
        is_on = if_on if is_on else if_off
        if is_on:
            yield numbers[index - 1], numbers[index]
