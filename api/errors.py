"""Every error a client can meet: one table, one JSON shape (RFC 9457 problem details).

`code` is stable and listed in docs/reference/errors.md; `detail` says what happened and what to do.
"""

from dataclasses import dataclass
from typing import Any

import structlog
from flask import Flask, Response, g, json
from gunicorn.http.errors import (
    ParseException,
)
from pydantic import ValidationError
from werkzeug.exceptions import ClientDisconnected, HTTPException

from models.errors import ModelsError
from vram.errors import LedgerUnavailable, UnknownDevice, VramError
from workers.errors import (
    BlobStoreFailed,
    JobNotFound,
    QueueFull,
    StoreUnavailable,
    WorkersError,
)

_log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """How one kind of error is told."""

    status: int
    code: str
    title: str
    #: Whether the same request may succeed later.
    retryable: bool = False
    #: Sent as Retry-After.
    retry_after_seconds: int | None = None
    #: Told instead of the error's own words, which may name hosts and paths.
    detail: str | None = None


class ApiError(Exception):
    """A request that can't be served as it is; raised by routes and checks."""

    def __init__(
        self, code: str, detail: str, *, field: str | None = None, **extra: object
    ) -> None:
        super().__init__(detail)
        self.code = code
        self.field = field
        #: Further members of the problem document.
        self.extra = extra


def _client(status: int, code: str, title: str) -> tuple[str, Problem]:
    return code, Problem(status=status, code=code, title=title)


#: Codes that routes and checks raise as ApiError.
CLIENT_PROBLEMS = dict(
    [
        _client(400, "invalid_request", "The request can't be read"),
        _client(408, "upload_incomplete", "The request body did not arrive"),
        _client(400, "missing_field", "A required field is missing"),
        _client(400, "image_empty", "The image is empty"),
        _client(413, "file_too_large", "The image file is too large"),
        _client(413, "image_too_large", "The image has too many pixels"),
        _client(415, "unsupported_media_type", "The request's content type is not supported"),
        _client(415, "invalid_image_format", "The file is no JPEG, PNG or WebP image"),
        _client(415, "animated_image", "The image is an animation"),
        _client(422, "image_unreadable", "The image's header is damaged"),
        _client(422, "validation_error", "An option is wrong"),
        _client(422, "unknown_option", "There is no such option"),
        _client(422, "unknown_analysis", "There is no such analysis"),
        _client(403, "analysis_disabled", "The analysis is switched off"),
        _client(422, "unknown_model", "There is no such model"),
        _client(404, "not_found", "There is nothing at this address"),
        _client(404, "model_not_found", "There is no such model"),
        _client(409, "model_not_loaded", "The model is on no device"),
        _client(405, "method_not_allowed", "This address does not take that method"),
    ]
)

CLIENT_PROBLEMS["no_gpu_device"] = Problem(
    status=503,
    code="no_gpu_device",
    title="No GPU worker is alive",
    retryable=True,
    retry_after_seconds=10,
)

#: The most specific class of an error decides.
DOMAIN_PROBLEMS: dict[type[Exception], Problem] = {
    JobNotFound: Problem(status=404, code="job_not_found", title="There is no such job"),
    QueueFull: Problem(
        status=503,
        code="queue_full",
        title="Too many jobs are waiting",
        retryable=True,
        retry_after_seconds=10,
    ),
    StoreUnavailable: Problem(
        status=503,
        code="store_unavailable",
        title="The job store does not answer",
        detail="The job store did not answer in time. Try again; what you sent may be stored.",
        retryable=True,
        retry_after_seconds=5,
    ),
    LedgerUnavailable: Problem(
        status=503,
        code="ledger_unavailable",
        title="The VRAM ledger does not answer",
        detail="The VRAM ledger did not answer in time. Try again.",
        retryable=True,
        retry_after_seconds=5,
    ),
    UnknownDevice: Problem(
        status=404,
        code="device_not_found",
        title="There is no such device",
        detail="No device of that id is registered. GET /api/v1/system/devices lists them.",
    ),
    BlobStoreFailed: Problem(
        status=503,
        code="blob_store_unavailable",
        title="The image could not be stored",
        detail="The image could not be stored, and no job was made. Try again.",
        retryable=True,
        retry_after_seconds=5,
    ),
    WorkersError: Problem(status=500, code="internal_error", title="A fault of ours"),
    VramError: Problem(status=500, code="internal_error", title="A fault of ours"),
    ModelsError: Problem(status=500, code="internal_error", title="A fault of ours"),
}

INTERNAL = Problem(status=500, code="internal_error", title="A fault of ours")
INTERNAL_DETAIL = "The request failed through a fault of ours; it has been logged."


def problem_of(error: Exception) -> Problem:
    """The entry for an error: that of its nearest class, else an internal error."""
    if isinstance(error, ApiError):
        return CLIENT_PROBLEMS[error.code]
    for kind in type(error).__mro__:
        if kind in DOMAIN_PROBLEMS:
            return DOMAIN_PROBLEMS[kind]
    return INTERNAL


def register_error_handlers(app: Flask) -> None:
    """Make every error of every route a problem document."""
    app.register_error_handler(ApiError, _on_api_error)
    app.register_error_handler(ClientDisconnected, _on_lost_body)
    app.register_error_handler(ParseException, _on_broken_body)
    app.register_error_handler(HTTPException, _on_http_exception)
    app.register_error_handler(Exception, _on_domain_error)


def respond(problem: Problem, detail: str, **extra: object) -> Response:
    """A problem document as a response."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": problem.title,
        "status": problem.status,
        "code": problem.code,
        "detail": detail,
        "retryable": problem.retryable,
        "request_id": g.get("request_id"),
        **extra,
    }
    response = Response(
        json.dumps(body), status=problem.status, mimetype="application/problem+json"
    )
    if problem.retry_after_seconds is not None:
        response.headers["Retry-After"] = str(problem.retry_after_seconds)
    return response


def _on_api_error(error: ApiError) -> Response:
    field = {} if error.field is None else {"field": error.field}
    return respond(problem_of(error), str(error), **field, **error.extra)


def invalid_options(error: ValidationError) -> ApiError:
    """Pydantic's findings in what a client sent, without echoing the input."""
    found = [
        {"field": ".".join(map(str, item["loc"])), "message": item["msg"]}
        for item in error.errors(include_url=False, include_input=False, include_context=False)
    ]
    first = found[0]
    detail = f"{first['field']}: {first['message']}." if first["field"] else first["message"]
    return ApiError("validation_error", detail, field=first["field"], errors=found)


_HTTP_CODES = {
    404: "not_found",
    405: "method_not_allowed",
    413: "file_too_large",
    415: "unsupported_media_type",
}


def _on_lost_body(_: ClientDisconnected) -> Response:
    detail = "The body broke off, or took longer than this server allows. Send it again."
    return respond(CLIENT_PROBLEMS["upload_incomplete"], detail)


def _on_broken_body(_: ParseException) -> Response:
    detail = "The body is not encoded as its headers say."
    return respond(CLIENT_PROBLEMS["invalid_request"], detail)


def _on_http_exception(error: HTTPException) -> Response:
    status = error.code or 500
    known = CLIENT_PROBLEMS.get(_HTTP_CODES.get(status, ""))
    if known is None and status < 500:  # noqa: PLR2004 - the boundary between the two families
        known = Problem(status=status, code="invalid_request", title=error.name)
    response = respond(known or INTERNAL, error.description or error.name)
    for name, value in error.get_headers():
        if name == "Allow":
            response.headers[name] = value
    return response


def _on_domain_error(error: Exception) -> Response:
    problem = problem_of(error)
    if problem.status == INTERNAL.status:
        _log.error("request.internal_error", exc_info=error)
        return respond(problem, INTERNAL_DETAIL)
    _log.warning("request.refused", code=problem.code, error=str(error))
    return respond(problem, problem.detail or str(error))
