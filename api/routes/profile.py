"""GET and PUT /api/v1/auth/profile, the permissions, the password and the second factor."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import Blueprint, Response, json

from api.account_refusals import delayed, require_same
from api.account_views import profile_of
from api.accounts.bodies import MfaBeginning, MfaEnd, MfaProof, PasswordChange, ProfileChange
from api.accounts.errors import AttemptsDelayed, PasswordWrong, SecondFactorWrong
from api.accounts.users import User
from api.answers.accounts import (
    AccountLimits,
    MfaActive,
    MfaBegun,
    Permissions,
    Profile,
)
from api.auditing import audit
from api.client_address import client_address
from api.endpoint import Endpoint, endpoint, principal
from api.errors import ApiError
from api.json_body import read_json
from api.principal import Scope
from api.services import services

blueprint = Blueprint("profile", __name__)

_JSON = "application/json"
#: Of whatever asks for the own password again.
_PROVEN = ("password_invalid", "login_delayed", "login_busy", "user_not_found")


@blueprint.get("/api/v1/auth/profile")
@endpoint(
    Endpoint(
        scope=Scope.ACCOUNT, tag="accounts", answers={200: Profile}, problems=("user_not_found",)
    )
)
def read_profile() -> Response:
    """One's own account."""
    return _private(profile_of(_me(), services().credentials.usage))


@blueprint.put("/api/v1/auth/profile")
@endpoint(
    Endpoint(
        scope=Scope.ACCOUNT,
        bucket="write",
        tag="accounts",
        bodies={_JSON: ProfileChange},
        answers={200: Profile},
        problems=("user_not_found",),
    )
)
def change_profile() -> Response:
    """Change one's own account; members that are not sent stay as they are."""
    body = read_json(ProfileChange)
    user = _me()
    changes = body.model_dump(exclude_none=True, include={"name", "company", "phone"})
    if body.preferences is not None:
        kept = {
            **json.loads(user.preferences_json),
            **body.preferences.model_dump(exclude_unset=True),
        }
        changes["preferences_json"] = json.dumps(kept)
    services().people.users.update(user.id, changes)
    return _private(profile_of(_me(), services().credentials.usage))


@blueprint.get("/api/v1/auth/permissions")
@endpoint(Endpoint(tag="accounts", answers={200: Permissions}))
def read_permissions() -> Response:
    """What the credential that asks may do, and how much."""
    caller, settings = principal(), services().settings
    is_limited = caller.role in settings.limit_roles
    answer = Permissions(
        role=caller.role,
        permissions=tuple(sorted(caller.scopes)),
        limits=AccountLimits(
            api_calls_per_hour=settings.limit_user_per_minute * 60 or None if is_limited else None,
            images_per_hour=settings.limit_images_per_hour or None if is_limited else None,
            batch_jobs_per_hour=settings.limit_batches_per_hour or None if is_limited else None,
            file_size_limit_bytes=settings.max_image_bytes,
        ),
    )
    return _private(answer.model_dump(mode="json"))


@blueprint.post("/api/v1/auth/change-password")
@endpoint(
    Endpoint(
        scope=Scope.ACCOUNT,
        bucket="write",
        tag="accounts",
        bodies={_JSON: PasswordChange},
        answers={204: None},
        problems=("weak_password", *_PROVEN),
    )
)
def change_password() -> tuple[str, int]:
    """Change one's own password. All other logins end."""
    body = read_json(PasswordChange)
    require_same(body.new_password, body.confirm_password)
    user = _me()
    with proving(user, "password.change_failed", field="current_password"):
        services().people.logins.change_password(
            user,
            current=body.current_password.get_secret_value(),
            new=body.new_password.get_secret_value(),
            address=client_address(),
            session_id=principal().credential_id,
        )
    audit("password.changed")
    return "", 204


@blueprint.post("/api/v1/auth/mfa/enable")
@endpoint(
    Endpoint(
        scope=Scope.ACCOUNT,
        bucket="write",
        tag="accounts",
        bodies={_JSON: MfaBeginning},
        answers={200: MfaBegun},
        problems=("mfa_active", *_PROVEN),
    )
)
def begin_mfa() -> Response:
    """Begin to use an authenticator app. It is in force only when `mfa/verify` got a code."""
    password = read_json(MfaBeginning).password.get_secret_value()
    user = _me()
    with proving(user, "mfa.begin_failed"):
        uri = services().people.logins.begin_mfa(user, password, address=client_address())
    audit("mfa.begun")
    return _private(MfaBegun(otpauth_uri=uri).model_dump(mode="json"))


@blueprint.post("/api/v1/auth/mfa/verify")
@endpoint(
    Endpoint(
        scope=Scope.ACCOUNT,
        bucket="write",
        tag="accounts",
        bodies={_JSON: MfaProof},
        answers={200: MfaActive},
        problems=("mfa_active", "mfa_code_wrong", "login_delayed", "user_not_found"),
    )
)
def activate_mfa() -> Response:
    """Prove that the app works. From then on logins take a code; backup codes are shown once."""
    code = read_json(MfaProof).code
    user = _me()
    try:
        with proving(user, "mfa.verify_failed"):
            codes = services().people.logins.activate_mfa(user, code, address=client_address())
    except SecondFactorWrong as error:
        audit("mfa.verify_failed")
        raise ApiError("mfa_code_wrong", str(error), field="code") from None
    audit("mfa.enabled")
    return _private(MfaActive(backup_codes=tuple(codes)).model_dump(mode="json"))


@blueprint.post("/api/v1/auth/mfa/disable")
@endpoint(
    Endpoint(
        scope=Scope.ACCOUNT,
        bucket="write",
        tag="accounts",
        bodies={_JSON: MfaEnd},
        answers={204: None},
        problems=_PROVEN,
    )
)
def end_mfa() -> tuple[str, int]:
    """Log in without a code from now on. The backup codes are void."""
    password = read_json(MfaEnd).password.get_secret_value()
    user, people = _me(), services().people
    with proving(user, "mfa.disable_failed"):
        people.logins.confirm_password(user, password, address=client_address())
    people.users.end_mfa(user.id)
    audit("mfa.disabled")
    return "", 204


@contextmanager
def proving(user: User, failure: str, *, field: str = "password") -> Iterator[None]:
    """Answer and write down that the own password was wrong, or has to wait."""
    try:
        yield
    except PasswordWrong as error:
        audit(failure, user_id=user.id)
        raise ApiError("password_invalid", str(error), field=field) from None
    except AttemptsDelayed as error:
        raise delayed(error) from None


def _me() -> User:
    return services().people.existing(principal().user_id)


def _private(body: dict[str, Any]) -> Response:
    response = Response(json.dumps(body), mimetype=_JSON)
    response.headers["Cache-Control"] = "private, no-store"
    return response
