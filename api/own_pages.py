"""Which pages in a browser may call where no credential would tell them from strangers.

A browser sends a page's requests to this machine whatever site the page is from, and a site's name
may be made to mean 127.0.0.1 once its page is there (DNS rebinding). Where authentication is on
neither gets anywhere: keys and tokens are headers, which a strange page does not have.
"""

from urllib.parse import urlsplit

from flask import request

from api.errors import ApiError
from api.exposure import is_loopback
from workers.settings.process import Settings


def require_own_page(settings: Settings) -> None:
    """Refuse a request of a page that is neither this server's nor of an allowed origin.

    Programs send no origin and name the address they were given.

    Raises:
        ApiError: origin_forbidden.
    """
    origin = request.headers.get("Origin")
    if not (origin is None or origin in settings.cors_origins or _is_same(origin)):
        detail = "Add the page's origin to FACESOCIAL_CORS_ORIGINS."
        raise ApiError("origin_forbidden", detail)
    if settings.auth == "off" and not settings.auth_off_anywhere and not _names_this_machine():
        detail = (
            "With FACESOCIAL_AUTH=off only requests to a loopback address or `localhost` are "
            "served. Behind a proxy, set FACESOCIAL_AUTH_OFF_ANYWHERE=true if that is meant."
        )
        raise ApiError("origin_forbidden", detail)


def _is_same(origin: str) -> bool:
    """Whether a page is this server's; sandboxed pages and files send "null", which is nobody's."""
    try:
        return urlsplit(origin).netloc == request.host
    except ValueError:
        return False


def _names_this_machine() -> bool:
    """Whether the request's host is one that no site can have."""
    try:
        host = (urlsplit(f"//{request.host}").hostname or "").rstrip(".")
    except ValueError:
        return False
    return is_loopback(host) or host.endswith(".localhost")
