"""Times as clients see them."""

from datetime import UTC, datetime


def timestamp(milliseconds: int | None) -> str | None:
    """Milliseconds since 1970 as ISO 8601 in UTC."""
    if milliseconds is None:
        return None
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds")
