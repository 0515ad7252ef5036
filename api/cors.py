"""Cross-origin requests: which pages in browsers may call the gateway (Fetch standard).

Nothing is allowed unless `cors_origins` names it. Credentials are headers that a page's script sets
itself, so cookies are never needed.
"""

from typing import Final

from flask import Response, current_app, request

from api.services import services

#: What a page may send beyond the few headers that need no leave.
ALLOWED_HEADERS: Final = (
    "Authorization",
    "Cache-Control",
    "Content-Encoding",
    "Content-Type",
    "Idempotency-Key",
    "If-Match",
    "If-None-Match",
    "Last-Event-ID",
    "Prefer",
    "Tus-Resumable",
    "Upload-Checksum",
    "Upload-Length",
    "Upload-Metadata",
    "Upload-Offset",
    "X-API-Key",
    "X-API-Version",
    "X-Request-ID",
)
#: What a page may read of an answer beyond its body.
EXPOSED_HEADERS: Final = (
    "Content-Disposition",
    "ETag",
    "Idempotency-Replayed",
    "Link",
    "Location",
    "Preference-Applied",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
    "Tus-Checksum-Algorithm",
    "Tus-Extension",
    "Tus-Max-Size",
    "Tus-Resumable",
    "Tus-Version",
    "Upload-Expires",
    "Upload-Length",
    "Upload-Metadata",
    "Upload-Offset",
    "WWW-Authenticate",
    "X-API-Version",
    "X-Cache",
    "X-Processing-Time",
    "X-RateLimit-Limit",
    "X-RateLimit-Remaining",
    "X-RateLimit-Reset",
    "X-RateLimit-Retry-After",
    "X-Request-ID",
)


def answer_preflight() -> Response | None:
    """Answer a browser that asks what a page may send; hooked in before authentication.

    The question itself carries no credential. Where the origin is not allowed the answer says
    nothing, and the browser refuses.
    """
    if request.method != "OPTIONS" or "Access-Control-Request-Method" not in request.headers:
        return None
    response = Response(status=204)
    response.vary.update(
        ("Origin", "Access-Control-Request-Method", "Access-Control-Request-Headers")
    )
    if _origin() is not None:
        methods = current_app.create_url_adapter(request)
        allowed = methods.allowed_methods() if methods else ()
        headers = response.headers
        headers["Access-Control-Allow-Methods"] = ", ".join(sorted(allowed))
        headers["Access-Control-Allow-Headers"] = ", ".join(ALLOWED_HEADERS)
        headers["Access-Control-Max-Age"] = str(services().settings.cors_max_age_seconds)
    return response


def allow_origin(response: Response) -> Response:
    """Tell the browser that the page may read the answer; hooked in after every request."""
    if not services().settings.cors_origins:
        return response
    response.vary.add("Origin")
    if (origin := _origin()) is not None:
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Access-Control-Expose-Headers"] = ", ".join(EXPOSED_HEADERS)
        if services().settings.cors_credentials:
            response.headers["Access-Control-Allow-Credentials"] = "true"
    return response


def _origin() -> str | None:
    """The request's origin, if it is allowed."""
    origin = request.headers.get("Origin")
    return origin if origin in services().settings.cors_origins else None
