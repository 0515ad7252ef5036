"""What people send: logins, registrations, changes of their accounts."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, StrictBool
from pydantic_core import PydanticCustomError

from api.accounts.password_rules import LEAST_LETTERS, MOST_LETTERS
from api.accounts.users import MOST_EMAIL_LETTERS, InvalidEmail, normal_email

#: Longer ones are nobody's password; it bounds what is normalised and compared.
_MOST_TYPED = 1024
_MOST_TOKEN_LETTERS = 256
#: Whatever can be shown in a line: no control characters, and none that turn the text around them.
_SHOWN = r"[^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]"


def _email(text: str) -> str:
    try:
        normal_email(text)
    except InvalidEmail:
        raise PydanticCustomError("email", "expected an e-mail address") from None
    return text.strip()


def _accepted(is_accepted: bool) -> bool:
    if not is_accepted:
        raise PydanticCustomError("not_accepted", "expected true")
    return is_accepted


Email = Annotated[
    str,
    Field(max_length=MOST_EMAIL_LETTERS, json_schema_extra={"format": "email"}),
    AfterValidator(_email),
]
#: What is compared with a password.
Typed = Annotated[SecretStr, Field(max_length=_MOST_TYPED)]
#: What becomes a password; the rules are told by `weak_password`.
NewPassword = Annotated[
    SecretStr,
    Field(
        max_length=_MOST_TYPED,
        json_schema_extra={"minLength": LEAST_LETTERS, "maxLength": MOST_LETTERS},
    ),
]
OneTimeToken = Annotated[SecretStr, Field(max_length=_MOST_TOKEN_LETTERS)]
#: Begins with a letter or sign, not with a blank.
PersonName = Annotated[
    str, Field(min_length=2, max_length=50, pattern=rf"^[^\s\x00-\x1f]{_SHOWN}*$")
]
Company = Annotated[str, Field(max_length=100, pattern=f"^{_SHOWN}*$")]
Phone = Annotated[str, Field(max_length=32, pattern=r"^[+0-9 ()./-]*$")]
#: Six digits of an authenticator app.
Code = Annotated[str, Field(pattern=r"^[0-9]{6}$")]
BackupCode = Annotated[str, Field(max_length=32)]


class Body(BaseModel):
    """A JSON body. Members that are not declared are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Login(Body):
    """Who somebody is."""

    email: Email
    password: Typed
    #: Whether the login lasts a week rather than a day without use.
    remember_me: StrictBool = False
    #: With a second factor: a code of the authenticator app …
    mfa_code: Code | None = None
    #: … or one of the backup codes.
    backup_code: BackupCode | None = None


class Register(Body):
    """Who wants an account."""

    email: Email
    password: NewPassword
    #: The same again.
    confirm_password: Typed
    name: PersonName
    company: Company = ""
    phone: Phone = ""
    #: Whoever runs the server says what the terms are.
    terms_accepted: Annotated[
        StrictBool, Field(json_schema_extra={"const": True}), AfterValidator(_accepted)
    ]


class Refresh(Body):
    """What a login is continued with."""

    refresh_token: Annotated[SecretStr, Field(max_length=_MOST_TOKEN_LETTERS)]


class Logout(Body):
    """How much ends."""

    #: Whether the logins on all devices end.
    all_devices: StrictBool = False


class Preferences(Body):
    """What a person likes. Nothing here changes what the server does."""

    notifications: StrictBool | None = None
    theme: Literal["light", "dark", "system"] | None = None


class ProfileChange(Body):
    """What changes; members that are not sent stay."""

    name: PersonName | None = None
    company: Company | None = None
    phone: Phone | None = None
    preferences: Preferences | None = None


class PasswordChange(Body):
    """An own password for another."""

    current_password: Typed
    new_password: NewPassword
    #: The new one again.
    confirm_password: Typed


class ResetRequest(Body):
    """Whose password was forgotten."""

    email: Email


class ResetConfirmation(Body):
    """A token of a mail, and what the password shall be."""

    token: OneTimeToken
    new_password: NewPassword
    #: The same again.
    confirm_password: Typed


class Verification(Body):
    """A token of a mail."""

    token: OneTimeToken


class MfaBeginning(Body):
    """A wish for a second factor."""

    #: The own one: a token alone must not lock its owner out.
    password: Typed
    #: Codes by an authenticator app; others are not offered.
    method: Literal["totp"] = "totp"


class MfaProof(Body):
    """A code that proves the second factor works."""

    code: Code


class MfaEnd(Body):
    """The wish to have no second factor."""

    #: The own one.
    password: Typed


class StandingChange(Body):
    """What an administrator changes; members that are not sent stay."""

    role: Literal["user", "premium", "developer", "admin"] | None = None
    status: Literal["active", "suspended"] | None = None
