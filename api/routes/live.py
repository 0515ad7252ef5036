"""WebSocket connections, and tickets for pages that open them."""

from collections.abc import Callable
from typing import Any, TypeVar

from flask import Blueprint, Response
from pydantic import BaseModel, ConfigDict

from api.answers.live import LiveTicket
from api.endpoint import Endpoint, endpoint, principal
from api.live.analysis import AnalysisSession, StreamLimits
from api.live.notifications import NotificationSession
from api.live.system_status import StatusSession
from api.live.tickets import TICKET_SECONDS
from api.live_desk import JobDesk
from api.live_opening import open_connection
from api.principal import Principal, Scope
from api.services import Services, services
from api.vitals import status_body

blueprint = Blueprint("live", __name__)

View = TypeVar("View", bound=Callable[..., Response])


class LiveQuery(BaseModel):
    """Who opens the connection, where no header can say so."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    #: From `POST /api/v1/live/tickets`.
    ticket: str | None = None


def _connection(scope: Scope) -> Endpoint:
    """A route for connections: it looks for a credential itself, in more places than others do."""
    return Endpoint(
        scope=scope,
        is_open=True,
        tag="live",
        query=LiveQuery,
        answers={101: None},
        problems=(
            *("upgrade_required", "invalid_request", "auth_required", "auth_invalid"),
            *("auth_expired", "auth_forbidden", "origin_forbidden", "too_many_connections"),
            *("connections_exhausted", "draining", "store_unavailable"),
        ),
    )


def _ways(*paths: str) -> Callable[[View], View]:
    """Have addresses found by requests for a connection, and by others, which are told so."""

    def route(view: View) -> View:
        for path in paths:
            for is_connection in (False, True):
                blueprint.add_url_rule(
                    path, view_func=view, methods=["GET"], websocket=is_connection
                )
        return view

    return route


@_ways("/ws/face-analysis", "/ws/realtime")
@endpoint(_connection(Scope.ANALYZE))
def analyse_frames() -> Response:
    """Frames in, results out; see the WebSocket reference.

    The newest frame wins: while frames are being analysed, one waits, and a newer one takes its
    place. Results come in the order of their frames and tell how many were passed over.
    """
    return open_connection("face-analysis", Scope.ANALYZE, _analysis, needs_messages=True)


@_ways("/ws/notifications")
@endpoint(_connection(Scope.ANALYZE))
def notify() -> Response:
    """Every change of your jobs and batches, as it happens; see the WebSocket reference."""
    return open_connection("notifications", Scope.ANALYZE, _notifications)


@_ways("/ws/system-status")
@endpoint(_connection(Scope.MONITOR))
def watch_status() -> Response:
    """How the fleet does, every five seconds; see the WebSocket reference."""
    return open_connection("system-status", Scope.MONITOR, _status)


@blueprint.post("/api/v1/live/tickets")
@endpoint(Endpoint(bucket="write", tag="live", answers={201: LiveTicket}))
def issue_ticket() -> tuple[dict[str, Any], int]:
    """A ticket to open one WebSocket connection with, within half a minute.

    For pages: a browser sends no header with a WebSocket, and a key or token in a URL would end up
    in logs. The connection may do what the credential of this request may.
    """
    ticket = services().live.tickets.issue(principal())
    return {"ticket": ticket, "expires_in_seconds": TICKET_SECONDS}, 201


def _analysis(parts: Services, caller: Principal, connection_id: str) -> AnalysisSession:
    settings = parts.settings
    limits = StreamLimits(
        most_in_flight=settings.live_frames_in_flight,
        most_fps=settings.live_fps,
        most_message_bytes=settings.live_message_bytes,
    )
    return AnalysisSession(JobDesk(parts, caller), limits, connection_id=connection_id)


def _notifications(parts: Services, caller: Principal, _: str) -> NotificationSession:
    return NotificationSession(parts.changes, caller.user_id)


def _status(parts: Services, _: Principal, __: str) -> StatusSession:
    return StatusSession(lambda: status_body(parts.vitals, parts.drain))
