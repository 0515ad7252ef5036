"""POST /api/v1/auth/login, refresh and logout; the sessions."""

from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response, json, request

from api.account_refusals import delayed, wrong_code
from api.account_views import login_of, tokens_of
from api.accounts.bodies import Login, Logout, Refresh
from api.accounts.errors import (
    AttemptsDelayed,
    CredentialInvalid,
    LoginFailed,
    SecondFactorNeeded,
    SecondFactorWrong,
    SessionNotFound,
)
from api.accounts.logins import LoginAttempt
from api.accounts.sessions import Begun, Reused
from api.answers.accounts import LiveLogins, LoggedOut, Tokens
from api.auditing import audit
from api.client_address import client_address
from api.endpoint import Endpoint, endpoint, principal
from api.errors import ApiError
from api.json_body import read_json
from api.lists import PartQuery, part_response
from api.principal import Scope
from api.query import query_of
from api.services import services

blueprint = Blueprint("auth", __name__)

#: What is kept of a client's own name.
MOST_DEVICE_LETTERS = 200
_JSON = "application/json"
_GUARDED = ("login_delayed", "login_busy")


@blueprint.post("/api/v1/auth/login")
@endpoint(
    Endpoint(
        is_open=True,
        bucket="login",
        tag="accounts",
        bodies={_JSON: Login},
        answers={200: Tokens},
        problems=("auth_invalid", "mfa_required", "mfa_invalid", "user_suspended", *_GUARDED),
    )
)
def login() -> Response:
    """Log in with e-mail address and password, and a code where the account has a second factor.

    `auth_invalid` tells in `attempts_remaining` how many failures are left before the next attempt
    has to wait. It is the same for addresses that have no account.
    """
    body = read_json(Login)
    attempt = LoginAttempt(
        email=body.email,
        password=body.password.get_secret_value(),
        mfa_code=body.mfa_code,
        backup_code=body.backup_code,
        remembered=body.remember_me,
        device=_device(),
        address=client_address(),
    )
    try:
        begun = services().people.logins.log_in(attempt)
    except LoginFailed as error:
        audit("login.failed", user_id=error.user_id)
        left = error.attempts_remaining
        raise ApiError(
            "auth_invalid", str(error), field="password", attempts_remaining=left
        ) from None
    except SecondFactorNeeded as error:
        audit("login.second_factor_asked", user_id=error.user_id)
        raise
    except SecondFactorWrong as error:
        audit("login.second_factor_failed", user_id=error.user_id)
        raise wrong_code(error) from None
    except AttemptsDelayed as error:
        audit("login.delayed", user_id="")
        raise delayed(error) from None
    audit("login.succeeded", user_id=begun.user.id, session=begun.session_id)
    return _answer_tokens(begun)


@blueprint.post("/api/v1/auth/refresh")
@endpoint(
    Endpoint(
        is_open=True,
        bucket="write",
        tag="accounts",
        bodies={_JSON: Refresh},
        answers={200: Tokens},
        problems=("auth_invalid",),
    )
)
def refresh() -> Response:
    """Take a refresh token for a new pair of tokens. The old one is used up.

    For a few seconds after that it is taken once more, for clients that ask twice at once or lost
    the answer. Later its use ends the login: somebody has a copy.
    """
    token = read_json(Refresh).refresh_token.get_secret_value()
    found = services().people.sessions.refresh(token)
    if isinstance(found, Reused):
        audit("session.reuse_detected", user_id=found.user_id, session=found.session_id)
        raise CredentialInvalid("The refresh token was used before: the login is ended.")
    if found is None:
        raise CredentialInvalid("The login has ended. Log in again.")
    return _answer_tokens(found)


@blueprint.post("/api/v1/auth/logout")
@endpoint(
    Endpoint(
        bucket="write",
        tag="accounts",
        bodies={_JSON: Logout},
        body_optional=True,
        answers={200: LoggedOut},
        problems=("session_not_found",),
    )
)
def logout() -> dict[str, Any]:
    """End the login that asks, or all of them. Their tokens are refused from then on."""
    caller, sessions = principal(), services().people.sessions
    if read_json(Logout).all_devices:
        ended = len(sessions.end_all(caller.user_id))
    elif sessions.end(caller.user_id, caller.credential_id):
        ended = 1
    else:
        raise SessionNotFound("What you sent is no login's token. API keys are revoked instead.")
    audit("session.ended", sessions=str(ended))
    return LoggedOut(
        ended_sessions=ended, logged_out_at=datetime.now(UTC).isoformat(timespec="milliseconds")
    ).model_dump(mode="json")


@blueprint.get("/api/v1/auth/sessions")
@endpoint(Endpoint(scope=Scope.ACCOUNT, tag="accounts", query=PartQuery, answers={200: LiveLogins}))
def list_sessions() -> Response:
    """One's logins that are alive, newest first."""
    query, caller = query_of(PartQuery), principal()
    found = services().people.sessions.of_user(caller.user_id)
    # Ids sort by the time they were made.
    newest = sorted((one for one in found), key=lambda one: one.id, reverse=True)
    rest = [one for one in newest if query.after is None or one.id < query.after]
    shown = rest[: query.limit]
    cursor = shown[-1].id if len(rest) > query.limit else None
    items = [login_of(one, current=caller.credential_id) for one in shown]
    return part_response(items, query, cursor, endpoint="auth.list_sessions")


@blueprint.delete("/api/v1/auth/sessions/<session_id>")
@endpoint(
    Endpoint(
        scope=Scope.ACCOUNT,
        bucket="write",
        tag="accounts",
        answers={204: None},
        problems=("session_not_found",),
    )
)
def end_session(session_id: str) -> tuple[str, int]:
    """End one of one's logins."""
    services().people.end_session(principal().user_id, session_id)
    audit("session.ended", session=session_id)
    return "", 204


def _device() -> str:
    agent = request.headers.get("User-Agent", "")
    return "".join(filter(str.isprintable, agent))[:MOST_DEVICE_LETTERS]


def _answer_tokens(begun: Begun) -> Response:
    user = begun.user
    access = services().credentials.tokens.issue(
        user_id=user.id, role=user.role, session_id=begun.session_id, email=user.email
    )
    response = Response(json.dumps(tokens_of(begun, access)), mimetype=_JSON)
    # RFC 6749, 5.1.
    response.headers["Cache-Control"] = "no-store"
    return response
