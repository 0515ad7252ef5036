"""How full the store is: it refuses writes, and jobs with them, when it has no room left."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, kw_only=True, slots=True)
class StoreMemory:
    """What the store's server holds."""

    used_bytes: int
    #: At which it takes no more; 0: none was set, and the machine's memory is the end.
    limit_bytes: int


class StoreGauge(Protocol):
    """Reads it off."""

    def memory(self) -> StoreMemory | None:
        """As the server says now; None: this user may not ask.

        Raises:
            StoreUnavailable: it does not answer.
        """
        ...


class FixedGauge:
    """StoreGauge without a server.

    Args:
        memory: What it always says.
    """

    def __init__(self, memory: StoreMemory | None) -> None:
        self._memory = memory

    def memory(self) -> StoreMemory | None:
        """See StoreGauge."""
        return self._memory
