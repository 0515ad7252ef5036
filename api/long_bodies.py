"""Requests whose bodies may take longer than others."""

from collections.abc import Mapping
from typing import Any

from api.deadline_socket import DeadlineSocket


def allow_long_body(environ: Mapping[str, Any]) -> None:
    """Let this request's body take as long as it needs, if only it keeps coming.

    Pauses and slow clients are limited as ever. Without our own server there is nothing to change.

    Args:
        environ: Of the WSGI request.
    """
    connection = environ.get("gunicorn.socket")
    if isinstance(connection, DeadlineSocket):
        connection.allow_long_request()
