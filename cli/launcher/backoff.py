"""How long a process that died waits before it is started again."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Backoff:
    """Doubling pauses; a long enough healthy life starts over."""

    first_seconds: float = 0.5
    most_seconds: float = 30.0
    #: A process that ran this long before it died counts as its first failure again.
    healthy_seconds: float = 60.0

    def failures_after(self, failures: int, *, ran_seconds: float) -> int:
        """Failures in a row, the one that happened now included."""
        return 1 if ran_seconds >= self.healthy_seconds else failures + 1

    def pause_seconds(self, failures: int) -> float:
        """Pause after so many failures in a row (>= 1)."""
        # The exponent is bounded: 2.0 ** 2000 overflows.
        doublings = min(failures - 1, 32)
        return min(self.first_seconds * 2.0**doublings, self.most_seconds)
