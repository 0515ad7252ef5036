"""Tells who calls and whether they may, before any view runs; counts the call afterwards."""

import re
import time
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus

import structlog
from flask import Flask, Response, g, request

from api.accounts.errors import (
    CredentialExpired,
    CredentialInvalid,
    CredentialMissing,
    CredentialRefused,
    ScopeMissing,
)
from api.accounts.usage import Call, UsageCounts
from api.auditing import audit
from api.endpoint import Endpoint, current_endpoint
from api.own_pages import require_own_page
from api.principal import ANONYMOUS, LOCAL, Principal, Scope
from api.services import services
from workers.errors import StoreUnavailable

#: RFC 6750: one scheme, one space, one token.
_BEARER = re.compile(r"[Bb][Ee][Aa][Rr][Ee][Rr] ([A-Za-z0-9._~+/=-]{1,4096})")
_KEY = re.compile(r"[A-Za-z0-9._~-]{1,256}")
#: A route nobody has decided about takes the highest right.
_UNDECLARED = Endpoint(scope=Scope.SYSTEM, tag="system")
#: A refused credential that was good once is written down once in this time.
_NOTE_REFUSAL_SECONDS = 60.0
#: So many of them are remembered for that.
_MOST_REFUSALS = 1000

_log = structlog.get_logger()


def register_authentication(app: Flask) -> None:
    """Let every request of an app pass here."""
    noted: dict[str, float] = {}
    app.before_request(partial(_authenticate, noted))
    app.after_request(_challenge)
    app.after_request(_count_call)


def _authenticate(noted: dict[str, float]) -> None:
    g.principal = ANONYMOUS
    declared = current_endpoint() or _UNDECLARED
    needs_nobody = declared.is_open or _meets_no_view()
    settings = services().settings
    if settings.auth == "off":
        g.principal = LOCAL
        if not needs_nobody:
            require_own_page(settings)
        return
    if needs_nobody:
        return
    try:
        caller = services().credentials.callers.identify(_credential())
    except CredentialRefused as error:
        g.challenge = "" if isinstance(error, CredentialMissing) else ', error="invalid_token"'
        if error.credential_id:
            why = "expired" if isinstance(error, CredentialExpired) else "revoked"
            _note_refusal(noted, error.credential_id, why)
        raise
    g.principal, g.key_used_ms = caller.principal, caller.key_used_ms
    if declared.scope is not None and declared.scope not in caller.principal.scopes:
        g.challenge = f', error="insufficient_scope", scope="{declared.scope}"'
        _note_refusal(noted, caller.principal.credential_id, declared.scope)
        raise ScopeMissing(declared.scope)


def _meets_no_view() -> bool:
    """Whether the answer comes from Flask: no such address or method, or what a method list is."""
    rule = request.url_rule
    return rule is None or (
        request.method == "OPTIONS" and getattr(rule, "provide_automatic_options", False)
    )


def _credential() -> str:
    """The key or token of the request.

    Raises:
        CredentialMissing: there is none.
        CredentialInvalid: it is malformed, or there are two.
    """
    bearer, key = request.headers.get("Authorization"), request.headers.get("X-API-Key")
    if bearer is not None and key is not None:
        raise CredentialInvalid("Send Authorization or X-API-Key, not both.")
    if bearer is not None:
        found = _BEARER.fullmatch(bearer)
        if found is None:
            raise CredentialInvalid("Authorization: expected `Bearer` and one token or key.")
        return found[1]
    if key is None:
        raise CredentialMissing
    # A token in this header would be a mistake that works: it is for keys, which have no dots.
    if _KEY.fullmatch(key) is None or "." in key:
        raise CredentialInvalid("X-API-Key: expected one API key.")
    return key


def _note_refusal(noted: dict[str, float], credential_id: str, why: str) -> None:
    """Write the use of a revoked, expired or too weak credential down, but not each time."""
    now = time.monotonic()
    if now - noted.get(credential_id, -_NOTE_REFUSAL_SECONDS) < _NOTE_REFUSAL_SECONDS:
        return
    if len(noted) >= _MOST_REFUSALS:
        noted.clear()
    noted[credential_id] = now
    audit("credential.refused", credential=credential_id, why=why)


def _challenge(response: Response) -> Response:
    """Say how to authenticate (RFC 6750)."""
    refused = response.status_code in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
    if refused and "challenge" in g:
        response.headers["WWW-Authenticate"] = f'Bearer realm="facesocial"{g.challenge}'
    return response


def _count_call(response: Response) -> Response:
    """Count the call once its answer was sent."""
    caller: Principal = g.get("principal", ANONYMOUS)
    # Where the store is away there is nothing to count in, and the connection shall not wait.
    is_away = response.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    if request.url_rule is None or not caller.user_id or is_away:
        return response
    method = "GET" if request.method == "HEAD" else request.method
    call = Call(
        user_id=caller.user_id,
        endpoint=f"{method} {request.url_rule.rule}",
        key_id=caller.credential_id if caller.kind == "key" else "",
        succeeded=response.status_code < HTTPStatus.BAD_REQUEST,
    )
    usage = services().credentials.usage
    response.call_on_close(partial(_write_count, usage, call, g.get("key_used_ms")))
    return response


def _write_count(usage: UsageCounts, call: Call, key_used_ms: int | None) -> None:
    """Count, or say in the log that it could not be done: the request has succeeded already."""
    try:
        usage.count(call, datetime.now(UTC).date(), key_used_ms=key_used_ms)
    except StoreUnavailable as error:
        _log.warning("usage.not_counted", endpoint=call.endpoint, error=str(error))
