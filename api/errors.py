"""Every error a client can meet in one JSON shape: problem details (RFC 9457).

`code` is stable, of the table in `api.problems`; `detail` says what happened and what to do.
"""

from typing import Any

import structlog
from flask import Flask, Response, g, json
from gunicorn.http.errors import (
    ParseException,
)
from pydantic import ValidationError
from werkzeug.exceptions import ClientDisconnected, HTTPException

from api.problem import Problem
from api.problems import CLIENT_PROBLEMS, DOMAIN_PROBLEMS, INTERNAL, INTERNAL_DETAIL

_log = structlog.get_logger()


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
        "type": f"urn:facesocial:problem:{problem.code}",
        "title": problem.title,
        "status": problem.status,
        "code": problem.code,
        "detail": detail,
        "retryable": problem.retryable,
        "request_id": g.get("request_id"),
    }
    if problem.retry_after_seconds is not None:
        body["retry_after_seconds"] = problem.retry_after_seconds
    body |= extra
    response = Response(
        json.dumps(body), status=problem.status, mimetype="application/problem+json"
    )
    if "retry_after_seconds" in body:
        response.headers["Retry-After"] = str(body["retry_after_seconds"])
    return response


def _on_api_error(error: ApiError) -> Response:
    field = {} if error.field is None else {"field": error.field}
    return respond(problem_of(error), str(error), **field, **error.extra)


def invalid_options(error: ValidationError) -> ApiError:
    """Pydantic's findings in what a client sent, without echoing the input."""
    found = [
        {"field": ".".join(map(str, item["loc"])), "code": item["type"], "message": item["msg"]}
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
#: Better words than Werkzeug's.
_HTTP_DETAILS = {
    404: "There is nothing at this address. GET /openapi.json lists what there is.",
    405: "This address does not take that method. `Allow` lists those it takes.",
}


def _on_lost_body(_: ClientDisconnected) -> Response:
    detail = "The body broke off, or took longer than this server allows. Send it again."
    return respond(CLIENT_PROBLEMS["upload_incomplete"], detail)


def _on_broken_body(_: ParseException) -> Response:
    detail = "The body is not encoded as its headers say."
    return respond(CLIENT_PROBLEMS["invalid_request"], detail)


def _on_http_exception(error: HTTPException) -> Response:
    """What Flask and Werkzeug refuse by themselves."""
    status = error.code or 500
    known = CLIENT_PROBLEMS.get(_HTTP_CODES.get(status, ""))
    if known is None and status < 500:  # noqa: PLR2004 - the boundary between the two families
        known = Problem(status=status, code="invalid_request", title=error.name)
    detail = _HTTP_DETAILS.get(status) or error.description or error.name
    response = respond(known or INTERNAL, INTERNAL_DETAIL if known is None else detail)
    for name, value in error.get_headers():
        if name == "Allow":
            response.headers[name] = value
    return response


def _on_domain_error(error: Exception) -> Response:
    problem = problem_of(error)
    if problem.status == INTERNAL.status:
        _log.error("request.internal_error", exc_info=error)
        return respond(problem, INTERNAL_DETAIL)
    _log.info("request.refused", code=problem.code, error=str(error))
    return respond(problem, problem.detail or str(error))
