"""Whether a model fits on a device: the sum of what is planned, the nested levels, the zones. Pure.

A class may own room up to its level: medium and low together up to the flexible share, high and
below together up to the flexible and the high share. Higher classes may so take what lower ones are
meant for, not the other way round. The levels come from what models may take when nobody else is on
the device, so that they do not move with what others do there.

`vram/lua` mirrors this in whole numbers; a test compares the two.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from vram.answers import Ask
from vram.records import Entry, Limits, ModelStats, Priority, State, Zone

#: The greater, the more important.
RANK: Final[Mapping[Priority, int]] = {"low": 0, "medium": 1, "high": 2, "critical": 3}
ZONE: Final[Mapping[Priority, Zone]] = {
    "low": "flexible",
    "medium": "flexible",
    "high": "high_priority",
    "critical": "critical",
}
#: What will be there once everything under way has ended.
PLANNED: Final = frozenset({State.RESERVED, State.LOADING, State.READY, State.LOST})


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    """What a decision is made from: a device at one moment."""

    entries: Sequence[Entry]
    #: By model; whoever is missing was never asked for.
    stats: Mapping[str, ModelStats]
    limits: Limits
    #: What models may take when nobody else is on the device, and what they may take now, MiB.
    base_mib: int
    usable_mib: int
    #: Whether memory is short; see `Limits.pressure_ratio`.
    pressure: bool
    #: The store's clock.
    now_ms: int
    #: When the evictions counted for `Limits.evictions_per_minute` were made; older ones than a
    #: minute don't matter.
    evicted_ms: Sequence[int] = ()
    #: What plain LRU would hold, the last used first: model and MiB; kept under "rent" only.
    shadow: Sequence[tuple[str, int]] = ()


def levels_mib(view: View) -> tuple[int, int]:
    """What medium and low may own together, and what high and below may, MiB rounded down."""
    medium = class_level_mib(view.limits, view.base_mib, "medium")
    return medium, class_level_mib(view.limits, view.base_mib, "high")


def level_mib(view: View, priority: Priority) -> int:
    """What a class may own at most."""
    return class_level_mib(view.limits, view.base_mib, priority)


def class_level_mib(limits: Limits, base_mib: int, priority: Priority) -> int:
    """What a class may own at most, of what models may take when nobody else is on the device."""
    if priority == "critical":
        return base_mib
    shares = limits.critical_share + limits.high_share + limits.flexible_share
    flexible = base_mib * limits.flexible_share // shares
    return flexible + (base_mib * limits.high_share // shares if priority == "high" else 0)


def short_in_all_mib(view: View, ask: Ask, gone: Collection[int] = ()) -> int:
    """How much is missing for the asker on the whole device once `gone` have left; 0: it fits."""
    taken = _taken_mib(view, gone, lambda _: True)
    return max(0, taken + ask.vram_mib - view.usable_mib)


def short_in_levels_mib(view: View, ask: Ask, gone: Collection[int] = ()) -> int:
    """How much is missing for the asker to own its room in each level that holds its class."""
    flexible, high = levels_mib(view)
    short = 0
    tops: tuple[tuple[Priority, int], ...] = (("medium", flexible), ("high", high))
    for top, limit_mib in tops:
        if RANK[ask.priority] <= RANK[top]:
            taken = _taken_mib(view, gone, _owned_below(RANK[top]))
            short = max(short, taken + ask.vram_mib - limit_mib)
    return short


def zone_is_full(view: View, ask: Ask, gone: Collection[int] = ()) -> bool:
    """Whether the asker's zone holds as many models as it may, once `gone` have left."""
    zone, limits = ZONE[ask.priority], view.limits
    most = {"high_priority": limits.high_models, "flexible": limits.flexible_models}.get(zone, 0)
    held = sum(1 for entry in planned(view, gone) if ZONE[entry.priority] == zone)
    return most > 0 and held >= most


def fits(view: View, ask: Ask, gone: Collection[int] = ()) -> bool:
    """Whether the asker can own its room once `gone` have left."""
    return (
        short_in_all_mib(view, ask, gone) == 0
        and short_in_levels_mib(view, ask, gone) == 0
        and not zone_is_full(view, ask, gone)
    )


def planned(view: View, gone: Collection[int] = ()) -> Iterator[Entry]:
    """Entries that will be there, but for those in `gone`."""
    return (e for e in view.entries if e.state in PLANNED and e.gen not in gone)


def may_be_promoted(view: View, loan: Entry) -> bool:
    """Whether a loan can become owned: everything holds with it counted."""
    own = Ask(model=loan.model, vram_mib=loan.vram_mib, priority=loan.priority, token="")
    gone = (loan.gen,)
    return short_in_all_mib(view, own, gone) == 0 and short_in_levels_mib(view, own, gone) == 0


def _taken_mib(view: View, gone: Collection[int], counts: Callable[[Entry], bool]) -> int:
    return sum(entry.vram_mib for entry in planned(view, gone) if counts(entry))


def _owned_below(rank: int) -> Callable[[Entry], bool]:
    return lambda entry: not entry.loan and RANK[entry.priority] <= rank
