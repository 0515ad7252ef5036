"""What callers ask of the ledger, and its answers."""

from dataclasses import dataclass
from typing import Literal, get_args

from vram.records import Command, Priority, check_whole

#: What to do now. gpu: it is there and pinned · join: somebody is loading it · load: load it, the
#: room is kept · cpu: serve it elsewhere · wait: try again · refuse: it can't be had here.
Outcome = Literal["gpu", "join", "load", "cpu", "wait", "refuse"]

#: Why. The first three are the requirements' own words for what was done, as are
#: insufficient_vram, no_eviction_candidates and eviction_insufficient for what was not.
Reason = Literal[
    "access_existing",
    "direct_allocation",
    "eviction_based_allocation",
    "loading",
    "draining",
    "insufficient_vram",
    "no_eviction_candidates",
    "eviction_insufficient",
    "rent_not_earned",
    "residents_too_young",
    "eviction_rate",
    "zone_full",
    "no_free_room",
    "load_backoff",
    "quarantined",
]
REASONS: tuple[Reason, ...] = get_args(Reason)


@dataclass(frozen=True, kw_only=True, slots=True)
class Ask:
    """A request for a model on a device."""

    model: str
    #: What it will take, at the batch size it is wanted for.
    vram_mib: int
    priority: Priority
    #: Who uses it: names the pin. Asking again with the same token is the same request.
    token: str
    #: How long the pin holds if nobody takes it away.
    pin_seconds: float = 330.0
    #: Whether it may be served on the CPU instead. Without, the gate is open, and the negative
    #: answers are "wait" and "refuse".
    has_fallback: bool = True
    #: What serving this request elsewhere costs more than serving it here, ms.
    penalty_ms: float = 0.0
    #: Expected load time, ms, where none was measured yet.
    load_ms: float = 500.0
    #: Take free room only: a guess evicts nobody.
    only_free: bool = False
    #: An operator asked by name: back-off and quarantine don't count.
    by_name: bool = False

    def __post_init__(self) -> None:
        """Refuse a size that the store can't hold exactly.

        Raises:
            ValueError: it is negative or too large.
        """
        check_whole("vram_mib", self.vram_mib)


@dataclass(frozen=True, kw_only=True, slots=True)
class Victim:
    """An entry that is to leave."""

    gen: int
    model: str
    vram_mib: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Reservation:
    """The answer to an Ask."""

    outcome: Outcome
    reason: Reason
    #: Of the entry that serves; None for cpu, wait and refuse.
    gen: int | None = None
    #: What is charged for it.
    vram_mib: int = 0
    loan: bool = False
    #: Who has to leave before `begin` says ok; they are draining already.
    victims: tuple[Victim, ...] = ()
    #: How much is missing, where room is what is missing.
    short_mib: int = 0
    #: When asking again makes sense, or when the load that was joined should end.
    retry_ms: int = 0
    #: Rent earned and rent needed, ms, where that was the reason.
    rent_ms: float = 0.0
    rent_needed_ms: float = 0.0


#: ok · wait: victims are not gone yet · nvml: the device has less free than the book says ·
#: stale: the reservation is gone.
BeginAnswer = Literal["ok", "wait", "nvml", "stale"]
#: ok · stale: the entry is gone, or not in the state the call is for.
Verdict = Literal["ok", "stale"]
#: ok · pinned: somebody uses it still · stale.
UnloadAnswer = Literal["ok", "pinned", "stale"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Loaded:
    """The answer to `loaded` and `adjust`."""

    verdict: Verdict
    #: By how much the device is over its limit now.
    over_mib: int = 0
    #: Who leaves because of that; the entry itself if nobody else can.
    victims: tuple[Victim, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Orders:
    """The answer to a sign of life: what the holder has to do."""

    #: Draining entries nobody uses any more: unload them.
    unload: tuple[int, ...] = ()
    #: Held by the caller, unknown to the ledger: destroy them.
    orphans: tuple[int, ...] = ()
    commands: tuple[Command, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Observation:
    """The answer to a reading of the device."""

    #: stale: something changed since `version`; read again.
    verdict: Verdict
    foreign_mib: int = 0
    #: Reading minus book: what the ledger did not know of; negative: less is taken than booked.
    drift_mib: int = 0
    pressure: bool = False
    victims: tuple[Victim, ...] = ()
