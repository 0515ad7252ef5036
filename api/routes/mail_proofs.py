"""What mails are proof for: registration, verified addresses, forgotten passwords."""

from typing import Any

from flask import Blueprint

from api.account_refusals import require_same
from api.accounts.bodies import Register, ResetConfirmation, ResetRequest, Verification
from api.accounts.users import Registration
from api.answers.accounts import MailTaken, RegistrationTaken, VerificationDone
from api.auditing import audit
from api.endpoint import Endpoint, endpoint, principal
from api.json_body import read_json
from api.principal import Scope
from api.services import services

blueprint = Blueprint("mail_proofs", __name__)

_JSON = "application/json"


@blueprint.post("/api/v1/auth/register")
@endpoint(
    Endpoint(
        is_open=True,
        bucket="login",
        tag="accounts",
        bodies={_JSON: Register},
        answers={202: RegistrationTaken},
        problems=("registration_closed", "mail_disabled", "weak_password", "login_busy"),
    )
)
def register() -> tuple[dict[str, Any], int]:
    """Ask for an account.

    A token is mailed to the address; `verify-email` makes the account with it. The answer, and the
    time it takes, are the same for an address that has an account: its owner is told by mail.
    """
    body = read_json(Register)
    require_same(body.password, body.confirm_password)
    proofs = services().people.proofs
    proofs.register(
        Registration(
            email=body.email,
            password=body.password.get_secret_value(),
            name=body.name,
            company=body.company,
            phone=body.phone,
        )
    )
    audit("registration.asked")
    answer = RegistrationTaken(
        expires_in=proofs.rules.verification_token_seconds,
        message="A mail is on its way to the address. Its token makes the account.",
    )
    return answer.model_dump(mode="json"), 202


@blueprint.post("/api/v1/auth/verify-email")
@endpoint(
    Endpoint(
        is_open=True,
        bucket="login",
        tag="accounts",
        bodies={_JSON: Verification},
        answers={200: VerificationDone},
        problems=("one_time_token_invalid",),
    )
)
def verify_email() -> dict[str, Any]:
    """Use the token of a mail: it makes the account of a registration, or verifies an address."""
    token = read_json(Verification).token.get_secret_value()
    outcome, user_id = services().people.proofs.verify(token)
    audit(f"user.{outcome}", user_id=user_id)
    return VerificationDone(outcome=outcome, user_id=user_id).model_dump(mode="json")


@blueprint.post("/api/v1/auth/verify-email/request")
@endpoint(
    Endpoint(
        scope=Scope.ACCOUNT,
        bucket="login",
        tag="accounts",
        answers={202: MailTaken},
        problems=("mail_disabled", "user_not_found"),
    )
)
def ask_to_verify() -> tuple[dict[str, Any], int]:
    """Have a token mailed that proves one reads mail to one's address."""
    proofs = services().people.proofs
    proofs.ask_to_verify(services().people.existing(principal().user_id))
    answer = MailTaken(
        expires_in=proofs.rules.verification_token_seconds,
        message="A mail with a token is on its way to your address.",
    )
    return answer.model_dump(mode="json"), 202


@blueprint.post("/api/v1/auth/reset-password")
@endpoint(
    Endpoint(
        is_open=True,
        bucket="login",
        tag="accounts",
        bodies={_JSON: ResetRequest},
        answers={202: MailTaken},
        problems=("mail_disabled",),
    )
)
def ask_to_reset() -> tuple[dict[str, Any], int]:
    """Have a token mailed that sets another password. The answer is the same for every address."""
    proofs = services().people.proofs
    user_id = proofs.ask_to_reset(read_json(ResetRequest).email)
    audit("password.reset_asked", user_id=user_id)
    answer = MailTaken(
        expires_in=proofs.rules.reset_token_seconds,
        message="If the address has an account, a mail with a token is on its way to it.",
    )
    return answer.model_dump(mode="json"), 202


@blueprint.post("/api/v1/auth/reset-password/confirm")
@endpoint(
    Endpoint(
        is_open=True,
        bucket="login",
        tag="accounts",
        bodies={_JSON: ResetConfirmation},
        answers={204: None},
        problems=("one_time_token_invalid", "weak_password", "login_busy"),
    )
)
def reset_password() -> tuple[str, int]:
    """Set another password with the token of a mail. All logins end."""
    body = read_json(ResetConfirmation)
    require_same(body.new_password, body.confirm_password)
    user_id = services().people.proofs.reset_password(
        body.token.get_secret_value(), body.new_password.get_secret_value()
    )
    audit("password.reset", user_id=user_id)
    return "", 204
