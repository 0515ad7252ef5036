"""When a delivery is tried again. Pure."""

#: Pauses before the tries, seconds: those the Standard Webhooks specification recommends.
PAUSES_SECONDS = (
    0,
    5,
    5 * 60,
    30 * 60,
    2 * 3600,
    5 * 3600,
    10 * 3600,
    14 * 3600,
    20 * 3600,
    24 * 3600,
)
#: Up to this share is added to each pause, so that what failed together is not repeated together.
JITTER = 0.2
#: The longest pause a receiver may ask for.
LONGEST_SECONDS = 24 * 3600
GONE = 410
#: Statuses whose Retry-After is believed.
LATER = frozenset({429, 503})


def pause_seconds(
    attempt: int, *, status: int | None, retry_after_seconds: float | None, chance: float
) -> float | None:
    """How long to wait after a try that failed.

    Args:
        attempt: Tries so far, from 1.
        status: Of the answer; None when there was none.
        retry_after_seconds: What the answer asked for, if anything.
        chance: 0 to 1, random.

    Returns:
        None: there is no further try.
    """
    if status == GONE or attempt >= len(PAUSES_SECONDS):
        return None
    pause = PAUSES_SECONDS[attempt] * (1 + JITTER * chance)
    if status in LATER and retry_after_seconds is not None:
        pause = max(pause, min(retry_after_seconds, LONGEST_SECONDS))
    return pause


def is_delivered(status: int | None) -> bool:
    """Whether an answer means that the event has arrived: any 2xx, and nothing else."""
    return status is not None and 200 <= status < 300  # noqa: PLR2004 - the class of successes
