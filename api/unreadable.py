"""Answers to requests whose head can't be read: no application has seen them."""

import json
from http import HTTPStatus

import uuid_utils
from gunicorn.http.errors import (
    ExpectationFailed,
    LimitRequestHeaders,
    LimitRequestLine,
    ParseException,
    UnsupportedTransferCoding,
)

#: Everything else is 400.
_STATUSES = {
    LimitRequestLine: HTTPStatus.REQUEST_URI_TOO_LONG,
    LimitRequestHeaders: HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    ExpectationFailed: HTTPStatus.EXPECTATION_FAILED,
    UnsupportedTransferCoding: HTTPStatus.NOT_IMPLEMENTED,
}
_DETAILS = {
    HTTPStatus.REQUEST_URI_TOO_LONG: "The request's first line is too long.",
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: "The request's headers are too many or too long.",
    HTTPStatus.EXPECTATION_FAILED: "`Expect` may only be `100-continue`.",
    HTTPStatus.NOT_IMPLEMENTED: "`Transfer-Encoding` may only be `chunked`.",
}


def answer_to_unreadable(error: ParseException) -> bytes:
    """A whole HTTP answer with a problem document, after which the connection ends.

    Nothing of what was sent is repeated in it.
    """
    status = _STATUSES.get(type(error), HTTPStatus.BAD_REQUEST)
    request_id = f"req_{uuid_utils.uuid7().hex}"
    body = json.dumps(
        {
            "type": "urn:facesocial:problem:invalid_request",
            "title": "The request can't be read",
            "status": status.value,
            "code": "invalid_request",
            "detail": _DETAILS.get(status, "The request is not well-formed HTTP/1.1."),
            "retryable": False,
            "request_id": request_id,
        }
    ).encode()
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\n"
        "Connection: close\r\n"
        "Content-Type: application/problem+json\r\n"
        f"Content-Length: {len(body)}\r\n"
        "Cache-Control: no-store\r\n"
        "X-Content-Type-Options: nosniff\r\n"
        f"X-Request-ID: {request_id}\r\n\r\n"
    )
    return head.encode() + body
