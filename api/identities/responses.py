"""Answers about known people: nothing between here and the client keeps them."""

from collections.abc import Sequence
from typing import Annotated

from flask import Response, json
from pydantic import BaseModel, ConfigDict, Field

from api.lists import list_response


class CursorQuery(BaseModel):
    """Which part of a list."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    #: Most items of the answer.
    limit: Annotated[int, Field(ge=1, le=100)] = 50
    #: The `next_cursor` of the answer before.
    after: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,200}$")] | None = None


def json_response(answer: BaseModel, status: int = 200) -> Response:
    """A JSON answer."""
    response = Response(answer.model_dump_json(), status=status, mimetype="application/json")
    response.headers["Cache-Control"] = "private, no-store"
    return response


def part_response(
    items: Sequence[BaseModel], after: str | None, query: BaseModel, *, address: str
) -> Response:
    """A part of a list.

    Args:
        items: Of this part.
        after: Where the next part begins; None: there is none.
        query: What was asked.
        address: Of the list.
    """
    return list_response(
        json.dumps([item.model_dump(mode="json") for item in items]),
        after,
        address=address,
        given=query.model_dump(mode="json", exclude_none=True),
    )
