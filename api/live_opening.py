"""Who may open a connection, and what a client is told that may not."""

import time
from collections.abc import Callable
from functools import partial

import structlog
import uuid_utils
from flask import Response, g, request

from api.accounts.errors import AccountsError, CredentialInvalid, ScopeMissing
from api.endpoint import principal
from api.errors import ApiError, problem_of
from api.live.close_codes import CloseCode
from api.live.connection import (
    Channel,
    LiveConnection,
    Pace,
    Session,
    Transport,
    still_welcome,
)
from api.live.connections import Guest
from api.live.credentials import credential_of, ticket_of
from api.live.frames import Closed
from api.live.upgrade import WebSocketResponse, require_upgrade
from api.own_pages import require_own_page
from api.principal import Principal, Scope
from api.services import Services, services
from workers.errors import StoreUnavailable

#: A ticket says nothing of a credential that ends later: its connection lasts no longer than an
#: access token.
TICKET_CONNECTION_SECONDS = 3600.0

#: What a refused handshake is told to a browser, which can't see its status.
_CODE_OF_STATUS = {
    400: CloseCode.BAD_MESSAGE,
    401: CloseCode.UNAUTHENTICATED,
    403: CloseCode.FORBIDDEN,
    429: CloseCode.TOO_MANY,
    503: CloseCode.TRY_LATER,
}
#: The same for connections that were refused at their place.
_PROBLEM_OF_CODE = {
    CloseCode.TOO_MANY: "too_many_connections",
    CloseCode.TRY_LATER: "connections_exhausted",
    CloseCode.RESTART: "draining",
}

_log = structlog.get_logger()

#: Makes what a connection is for, of whose it is and its id.
MakeSession = Callable[[Services, Principal, str], Session]


def open_connection(
    purpose: str, scope: Scope | None, make: MakeSession, *, needs_messages: bool = False
) -> Response:
    """Make a connection of the current request.

    Args:
        purpose: For logs.
        scope: The right it takes.
        make: Called once the caller is known.
        needs_messages: Whether a client that sends none is sent away.

    Raises:
        ApiError, AccountsError, StoreUnavailable: it may not be opened. A browser is told after
            the handshake instead, because it can't see why one was refused.
    """
    try:
        return _opened(purpose, scope, make, needs_messages=needs_messages)
    except (ApiError, AccountsError, StoreUnavailable) as error:
        problem = problem_of(error)
        if problem.status == 401:  # noqa: PLR2004 - the status that asks for a challenge
            g.challenge = ""
        if "Origin" not in request.headers or not _can_upgrade():
            raise
        _log.warning("live.refused", code=problem.code, error=str(error))
        code = _CODE_OF_STATUS.get(problem.status, CloseCode.INTERNAL_ERROR)
        return WebSocketResponse(request, _Refusal(code, problem.code).serve)


def _opened(
    purpose: str, scope: Scope | None, make: MakeSession, *, needs_messages: bool
) -> Response:
    parts = services()
    caller, is_welcome = _caller(parts)
    g.principal = caller
    if scope is not None and scope not in caller.scopes:
        raise ScopeMissing(scope)
    require_own_page(parts.settings)
    require_upgrade(request)
    guest = Guest(
        connection_id=f"live_{uuid_utils.uuid7().hex}",
        user_id=caller.user_id,
        purpose=purpose,
        is_welcome=is_welcome,
    )
    refused = parts.live.connections.admit(guest)
    if refused is not None:
        raise ApiError(_PROBLEM_OF_CODE[CloseCode(refused.code)], refused.reason)
    session = make(parts, caller, guest.connection_id)
    pace = _pace(parts, needs_messages=needs_messages)

    def serve(transport: Transport) -> None:
        parts.live.connections.serve(transport, session, pace, guest)

    response = WebSocketResponse(request, serve)
    # Also of a client that has gone before it could be served.
    response.call_on_close(partial(parts.live.connections.forget, guest))
    return response


def _caller(parts: Services) -> tuple[Principal, Callable[[], Closed | None]]:
    """Who asks, and how it is told later whether they may stay."""
    if parts.settings.auth == "off":
        return principal(), still_welcome
    ticket = ticket_of(request)
    if ticket is not None:
        caller = parts.live.tickets.redeem(ticket)
        if caller is None:
            raise CredentialInvalid("The ticket is unknown, was used, or is too old.")
        return caller, Lifetime(TICKET_CONNECTION_SECONDS)
    credential = credential_of(request)
    callers = parts.credentials.callers

    def is_welcome() -> Closed | None:
        try:
            callers.principal_of(credential)
        except AccountsError as error:
            return Closed(code=CloseCode.UNAUTHENTICATED, reason=problem_of(error).code)
        except StoreUnavailable:
            return None  # nobody knows; the next look will tell
        return None

    return callers.principal_of(credential), is_welcome


def _can_upgrade() -> bool:
    """Whether the request could become a connection, were it let."""
    try:
        require_upgrade(request)
    except ApiError:
        return False
    return True


def _pace(parts: Services, *, needs_messages: bool) -> Pace:
    settings = parts.settings
    return Pace(
        heartbeat_seconds=settings.live_heartbeat_seconds,
        idle_seconds=settings.live_idle_seconds if needs_messages else None,
        most_message_bytes=settings.live_message_bytes,
    )


class Lifetime:
    """Ends a connection when its time is over; called by the connection now and then.

    Args:
        seconds: From now on.
    """

    def __init__(self, seconds: float) -> None:
        self._ends_at = time.monotonic() + seconds

    def __call__(self) -> Closed | None:
        """Why it may not stay."""
        if time.monotonic() < self._ends_at:
            return None
        return Closed(code=CloseCode.UNAUTHENTICATED, reason="Get a new ticket.")


class _Refusal:
    """Tells a browser why it gets no connection, on a connection that ends with that."""

    def __init__(self, code: CloseCode, reason: str) -> None:
        self._code = code
        self._reason = reason

    def serve(self, transport: Transport) -> None:
        """Serve the connection to its end, a few seconds away at most."""
        LiveConnection(transport, self, Pace(most_message_bytes=1024)).run()

    def opened(self, connection: Channel) -> None:
        """See Session."""
        connection.end(self._code, self._reason)

    def text(self, message: str) -> None:
        """See Session."""

    def binary(self, message: bytes) -> None:
        """See Session."""

    def closed(self) -> None:
        """See Session."""
