"""Parts of lists: how many, after which, and where the next part is."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any
from urllib.parse import urlencode

from flask import Response, json, url_for
from pydantic import BaseModel, ConfigDict, Field


class PartQuery(BaseModel):
    """Which part of a list."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    #: Most items of the answer.
    limit: Annotated[int, Field(ge=1, le=100)] = 50
    #: The `next_cursor` of the answer before.
    after: Annotated[str, Field(pattern=r"^[a-z]+_[0-9a-f]{32}$")] | None = None


def part_response(
    items: Sequence[BaseModel], query: PartQuery, cursor: str | None, *, endpoint: str
) -> Response:
    """A part of a list, with the address of the next in `Link`.

    Args:
        items: Of this part.
        query: What was asked.
        cursor: Names the next part; None: there is none.
        endpoint: Flask's name of the list's route.
    """
    return list_response(
        json.dumps([item.model_dump(mode="json") for item in items]),
        cursor,
        address=url_for(endpoint),
        given=query.model_dump(mode="json", exclude_none=True),
    )


def list_response(
    items_json: str, cursor: str | None, *, address: str, given: Mapping[str, Any]
) -> Response:
    """The same for items that are JSON already.

    Args:
        items_json: An array.
        cursor: Names the next part; None: there is none.
        address: Of the list.
        given: The parameters of the next part, but for `after`.
    """
    body = f'{{"items": {items_json}, "next_cursor": {json.dumps(cursor)}}}'
    response = Response(body, mimetype="application/json")
    response.headers["Cache-Control"] = "private, no-store"
    if cursor:
        following = urlencode({**given, "after": cursor})
        response.headers["Link"] = f'<{address}?{following}>; rel="next"'
    return response
