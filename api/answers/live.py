"""Tickets for connections that stay open."""

from typing import Annotated

from pydantic import Field

from api.answers import Answer


class LiveTicket(Answer):
    """Good for opening one WebSocket connection, as `?ticket=` in its URL."""

    ticket: str
    expires_in_seconds: Annotated[int, Field(gt=0)]
