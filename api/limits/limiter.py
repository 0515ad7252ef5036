"""The port of the limits: buckets that fill steadily, asked for all of a request's costs at once.

A bucket holds a policy's whole quota to begin with and gets it back evenly over its window (the
generic cell rate algorithm). So a caller may spend a quota at once, and in the long run never more
than one quota a window; in the worst window that can be chosen, twice that.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

Unit = Literal["requests", "images", "batches", "content-bytes"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Policy:
    """So much in such a time."""

    #: Letters, digits and `_`: told to clients and part of keys.
    name: str
    #: At least 1.
    quota: int
    window_seconds: int
    unit: Unit = "requests"


@dataclass(frozen=True, kw_only=True, slots=True)
class Cost:
    """What a request takes out of one bucket."""

    policy: Policy
    #: Whose bucket: a user's id, an address …
    subject: str
    #: 0 or more; what it counts is the policy's unit.
    amount: int = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Level:
    """How a bucket stands after a request."""

    policy: Policy
    #: What may be taken at once, whole.
    remaining: int
    #: Until the bucket is full again.
    full_seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What came of a request's costs."""

    #: One for each cost, in order.
    levels: tuple[Level, ...]
    #: Policies that refused, by name; empty: everything was taken, else nothing was.
    refused: tuple[str, ...] = ()
    #: When asking the same again would succeed, if nobody asked in between; None: never, it costs
    #: more than a whole quota.
    retry_seconds: float | None = 0.0


class Limiter(Protocol):
    """Shared by all gateway processes."""

    def take(self, costs: Sequence[Cost]) -> Verdict:
        """Take all of these costs out of their buckets, or none of them; one atomic step.

        Raises:
            StoreUnavailable: the store does not answer.
        """
        ...


def level_of(policy: Policy, spent_us: float) -> Level:
    """A bucket of which so much of its window is spent, microseconds."""
    window_us = policy.window_seconds * 1e6
    left = (window_us - spent_us) * policy.quota / window_us
    return Level(
        policy=policy, remaining=max(0, math.floor(left)), full_seconds=max(0.0, spent_us / 1e6)
    )
