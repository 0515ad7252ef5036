"""The gateway's application, put together from its parts."""

import re
import time
import warnings
from contextlib import suppress
from functools import partial
from http import HTTPStatus

import structlog
import uuid_utils
from flask import Flask, Response, g, request
from gunicorn.http.errors import (
    ParseException,
)

from api.access_log import log_request
from api.answer_headers import add_headers
from api.authentication import register_authentication
from api.backlog import register_backlog
from api.compression import compress
from api.cors import allow_origin, answer_preflight
from api.endpoint import require_declarations
from api.errors import register_error_handlers
from api.limiting import limit_request, tell_limits
from api.query import check_query
from api.routes import (
    admin_users,
    analyses,
    auth,
    batch_analyze,
    batch_results,
    batches,
    collection_files,
    collection_jobs,
    collections,
    deletions,
    documents,
    embeddings,
    enrollments,
    faces,
    health,
    identify,
    jobs,
    keys,
    live,
    mail_proofs,
    models,
    person_files,
    persons,
    profile,
    security,
    system,
    uploads,
    usage,
    webhooks,
)
from api.services import Services, services
from api.traffic import NO_ROUTE

READ_BYTES = 64 * 1024
#: A client's own request id is taken when it is short and plain.
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")

#: Modules with a blueprint each.
_ROUTES = (
    admin_users,
    analyses,
    auth,
    batch_analyze,
    batch_results,
    batches,
    collection_files,
    collection_jobs,
    collections,
    deletions,
    documents,
    embeddings,
    enrollments,
    faces,
    health,
    identify,
    jobs,
    keys,
    live,
    mail_proofs,
    models,
    person_files,
    persons,
    profile,
    security,
    system,
    uploads,
    usage,
    webhooks,
)


def create_app(parts: Services) -> Flask:
    """The WSGI application over these parts."""
    # Pillow warns of odd images; what we think of them is in our answers. Once for all threads:
    # filters belong to the process.
    warnings.filterwarnings("ignore", module="PIL")
    app = Flask("facesocial", static_folder=None)
    # A backstop; routes that take files set their own limit before the body is read.
    app.config["MAX_CONTENT_LENGTH"] = 64 * 1024
    parts.attach(app.extensions)
    register_error_handlers(app)
    register_backlog(app)
    # Two slashes are another address, not a reason to send the client elsewhere.
    app.url_map.merge_slashes = False
    for before in (_begin_request, answer_preflight):
        app.before_request(before)
    register_authentication(app)  # what follows asks who calls
    for before in (limit_request, check_query):
        app.before_request(before)
    read_rest = partial(_read_rest, limit_bytes=2 * parts.settings.max_image_bytes)
    # Called in reverse order, after the view.
    last = (log_request, _count_request)
    for after in (*last, compress, read_rest, add_headers, allow_origin, tell_limits):
        app.after_request(after)
    for module in _ROUTES:
        app.register_blueprint(module.blueprint)
    require_declarations(app)
    return app


def _begin_request() -> None:
    given = request.headers.get("X-Request-ID", "")
    g.started_ns = time.perf_counter_ns()
    g.request_id = given if REQUEST_ID.fullmatch(given) else f"req_{uuid_utils.uuid7().hex}"
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=g.request_id)


def _count_request(response: Response) -> Response:
    rule = request.url_rule
    method, route = (request.method, rule.rule) if rule else NO_ROUTE
    seconds = (time.perf_counter_ns() - g.started_ns) / 1e9 - g.get("waited_seconds", 0.0)
    # A WebSocket lasts as long as its client likes: how long says nothing of us.
    lasts = rule is not None and rule.websocket
    services().traffic.count(
        method, route, response.status_code, None if lasts else max(0.0, seconds)
    )
    return response


def _read_rest(response: Response, *, limit_bytes: int) -> Response:
    """Read what is left of a refused request's body, so that its connection can be used again.

    gunicorn closes a connection with much unread, without announcing it: the client's next
    request would be lost. A body beyond the limit is not worth reading.
    """
    length_bytes = request.content_length or 0
    if response.status_code >= HTTPStatus.BAD_REQUEST and 0 < length_bytes <= limit_bytes:
        body = request.environ["wsgi.input"]
        with suppress(OSError, ParseException):  # the client has left, or sends nonsense
            while body.read(READ_BYTES):
                pass
    return response
