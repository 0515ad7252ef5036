"""The gateway's application, put together from its parts."""

import re
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

from api.errors import register_error_handlers
from api.routes import analyses, jobs, models, system
from api.services import Services

READ_BYTES = 64 * 1024
#: A client's own request id is taken when it is short and plain.
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


def create_app(parts: Services) -> Flask:
    """The WSGI application over these parts."""
    # Pillow warns of odd images; what we think of them is in our answers. Once for all threads:
    # filters belong to the process.
    warnings.filterwarnings("ignore", module="PIL")
    app = Flask("facesocial")
    # A backstop; routes that take files set their own limit before the body is read.
    app.config["MAX_CONTENT_LENGTH"] = 64 * 1024
    parts.attach(app.extensions)
    register_error_handlers(app)
    app.before_request(_begin_request)
    app.after_request(_end_request)
    app.after_request(partial(_read_rest, limit_bytes=2 * parts.settings.max_image_bytes))
    for module in (analyses, jobs, models, system):
        app.register_blueprint(module.blueprint)
    return app


def _begin_request() -> None:
    given = request.headers.get("X-Request-ID", "")
    g.request_id = given if REQUEST_ID.fullmatch(given) else f"req_{uuid_utils.uuid7().hex}"
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=g.request_id)


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


def _end_request(response: Response) -> Response:
    response.headers["X-Request-ID"] = g.get("request_id", "")
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
