"""Headers that every answer has."""

import time
from http import HTTPStatus
from typing import Final

from flask import Response, g

from api.client_address import is_secure
from api.services import services

#: Of the whole interface; part of every address.
API_VERSION: Final = "v1"
#: No answer but the documentation is a page; what it says itself stays.
_DEFAULTS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_WITHOUT_BODY = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED})


def add_headers(response: Response) -> Response:
    """Hooked in after every request."""
    headers = response.headers
    headers["X-Request-ID"] = g.request_id
    headers["X-API-Version"] = API_VERSION
    milliseconds = (time.perf_counter_ns() - g.started_ns) / 1e6
    headers["X-Processing-Time"] = f"{milliseconds:.1f}"
    for name, value in _DEFAULTS.items():
        headers.setdefault(name, value)
    if response.status_code in _WITHOUT_BODY:
        headers.remove("Content-Type")
    seconds = services().settings.hsts_seconds
    if seconds and is_secure():
        headers["Strict-Transport-Security"] = f"max-age={seconds}"
    return response
