"""What `vram.policy` decides."""

from dataclasses import dataclass

from vram.answers import Outcome, Reason, Victim


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """The answer, and what has to be done about it at once."""

    outcome: Outcome
    reason: Reason
    #: The entry that serves, for gpu and join.
    gen: int | None = None
    #: gpu: the entry was a loan and is owned from now on. load: it will be a loan.
    promote: bool = False
    loan: bool = False
    #: They start draining; in the order they were chosen.
    victims: tuple[Victim, ...] = ()
    #: The most any victim was worth: the device's inflation is at least that from now on.
    inflation: float = 0.0
    #: As in `Reservation`.
    short_mib: int = 0
    retry_ms: int = 0
    rent_ms: float = 0.0
    rent_needed_ms: float = 0.0
