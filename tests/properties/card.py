"""A card that keeps true bytes.

It knows nothing of the ledger: models are numbers with a size, processes have what they hold, and
the card refuses what does not fit, as a driver does.
"""

from dataclasses import dataclass, field


class CardFull(Exception):
    """The card has less free than was asked for."""


@dataclass(kw_only=True)
class Card:
    """Memory of one card in whole MiB."""

    total_mib: int
    #: The driver's own.
    reserved_mib: int = 0
    #: Of each living process that holds the card.
    context_mib: int = 0
    #: What processes that are not ours hold.
    foreign_mib: int = 0
    #: What ours hold: (incarnation, gen) → MiB.
    held: dict[tuple[int, int], int] = field(default_factory=dict)
    processes: set[int] = field(default_factory=set)
    #: Ours, released by nobody any more: leaks, and what comes back late.
    stuck_mib: int = 0

    @property
    def models_mib(self) -> int:
        """What our models really take, what did not come back included."""
        return sum(self.held.values()) + self.stuck_mib

    @property
    def used_mib(self) -> int:
        """What a probe reads: everything but what is free."""
        contexts_mib = self.context_mib * len(self.processes)
        return self.reserved_mib + contexts_mib + self.foreign_mib + self.models_mib

    @property
    def free_mib(self) -> int:
        """What a probe reads as free."""
        return max(0, self.total_mib - self.used_mib)

    def take(self, incarnation: int, gen: int, vram_mib: int) -> None:
        """Make a model take so much in all.

        Raises:
            CardFull: it has not got that much; what was there stays.
        """
        more_mib = vram_mib - self.held.get((incarnation, gen), 0)
        if more_mib > self.free_mib:
            raise CardFull
        self.held[incarnation, gen] = vram_mib

    def release(self, incarnation: int, gen: int, *, stuck_mib: int = 0) -> int:
        """Let a model go; some of it may not come back. Answers what did."""
        held_mib = self.held.pop((incarnation, gen), 0)
        stuck_mib = min(stuck_mib, held_mib)
        self.stuck_mib += stuck_mib
        return held_mib - stuck_mib

    def settle(self) -> None:
        """Give back what came late."""
        self.stuck_mib = 0

    def start(self, incarnation: int) -> None:
        """A process makes its context."""
        self.processes.add(incarnation)

    def kill(self, incarnation: int) -> None:
        """End a process: the driver takes back everything it had."""
        self.processes.discard(incarnation)
        for key in [key for key in self.held if key[0] == incarnation]:
            del self.held[key]
