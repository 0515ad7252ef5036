"""How an error is told to clients."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """How one kind of error is told."""

    status: int
    code: str
    title: str
    #: Whether the same request may succeed later.
    retryable: bool = False
    #: Sent as Retry-After.
    retry_after_seconds: int | None = None
    #: Told instead of the error's own words, which may name hosts and paths.
    detail: str | None = None
