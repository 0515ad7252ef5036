"""Cursors: places in lists, as texts that only this gateway reads."""

import base64
import binascii
import re

from api.errors import ApiError
from workers.jobs.records import Place

_PLACE = re.compile(r"(\d{1,15})/([a-z]+_[0-9a-f]{32})")


def cursor_of(place: Place) -> str:
    """A place as a text that needs no quoting in addresses."""
    text = f"{place.created_ms}/{place.id}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def place_of(cursor: str) -> Place:
    """The place a cursor names.

    Raises:
        ApiError: it is none of ours.
    """
    padded = cursor + "=" * (-len(cursor) % 4)
    try:
        text = base64.b64decode(padded, altchars=b"-_", validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        text = ""
    found = _PLACE.fullmatch(text)
    if found is None:
        detail = "after: expected the `next_cursor` of an answer."
        raise ApiError("validation_error", detail, field="after")
    return Place(created_ms=int(found[1]), id=found[2])
