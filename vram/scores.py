"""What a resident model is worth, by policy; the least worth leaves first. Pure.

The frequency of a model is remembered when it leaves: so few models are known here that forgetting
saves nothing, and a model that returns is not a stranger.

- `lru`: time of the last use.
- `gdsf`: Greedy-Dual-Size with frequency, L + frequency · load time / size (L. Cherkasova,
  HP Laboratories HPL-98-69R1, 1998). L is what the last victim was worth; it stands for time.
- `weighted`: class weight · (uses + 1) / (seconds since the last use + 1) · (1000 / MiB) ·
  (100 / load ms). It throws out first what takes longest to load again; here for comparison.
- `rent`, `residency`: gdsf with a frequency that halves every `Limits.half_life_seconds`.

`vram/lua` computes the same to the last bit: doubles, in the order of operations written here.
"""

from collections.abc import Mapping
from typing import Final

from vram.records import Entry, Limits, ModelStats, Policy, Priority
from vram.room import RANK, View

#: Where no load was measured; the same as in `Ask`.
UNKNOWN_LOAD_MS: Final = 500.0
#: Policies under which an eviction has to be earned, and uses fade.
GATED: Final[frozenset[Policy]] = frozenset({"rent", "residency"})
#: Critical models are no candidates; the formula calls their weight infinite.
_WEIGHTS: Final[Mapping[Priority, float]] = {"high": 1000.0, "medium": 100.0, "low": 10.0}

#: Loans first; then by class where the policy does not weigh it; then by worth, then by age.
Order = tuple[int, int, float, int]


def faded(value: float, since_ms: int, now_ms: int, half_life_seconds: float) -> float:
    """What is left of a value that halves every half-life. A clock that went back adds nothing."""
    if now_ms <= since_ms or half_life_seconds <= 0:
        return value
    return float(value * 2.0 ** (-(now_ms - since_ms) / (half_life_seconds * 1000.0)))


def frequency(stats: ModelStats, limits: Limits, now_ms: int) -> float:
    """Uses as they count now."""
    if limits.policy not in GATED:
        return stats.frequency
    return faded(stats.frequency, stats.aged_ms, now_ms, limits.half_life_seconds)


def load_ms(stats: ModelStats, otherwise: float = UNKNOWN_LOAD_MS) -> float:
    """How long a model takes to load: as measured, or as expected."""
    return stats.load_ms if stats.load_ms > 0 else otherwise


def worth(view: View, entry: Entry) -> float:
    """What keeping an entry is worth; comparable on one device, under one policy, at one time."""
    policy = view.limits.policy
    if policy == "lru":
        return float(entry.used_ms)
    stats = view.stats.get(entry.model, ModelStats())
    uses = frequency(stats, view.limits, view.now_ms)
    size = float(max(1, entry.vram_mib))
    load = load_ms(stats)
    if policy == "weighted":
        idle_seconds = max(0, view.now_ms - entry.used_ms) / 1000.0
        weight = _WEIGHTS.get(entry.priority, 0.0)
        return weight * (uses + 1.0) / (idle_seconds + 1.0) * (1000.0 / size) * (100.0 / load)
    return entry.inflation + uses * load / size


def order(view: View, entry: Entry) -> Order:
    """Sorts candidates: who leaves first comes first."""
    rank = 0 if view.limits.policy == "weighted" else RANK[entry.priority]
    return (0 if entry.loan else 1, rank, worth(view, entry), entry.gen)
