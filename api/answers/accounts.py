"""What people are answered about their accounts."""

from typing import Annotated, Literal

from pydantic import Field

from api.answers import Answer
from api.principal import Role, Scope

Count = Annotated[int, Field(ge=0)]


class Person(Answer):
    """Whoever has logged in."""

    id: str
    email: str
    name: str
    role: Role
    permissions: tuple[Scope, ...]
    #: The login before this one; null: there was none.
    last_login: str | None


class Tokens(Answer):
    """What a login is proven and continued with. Both are shown once."""

    #: For `Authorization: Bearer`.
    access_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - a word, no token
    #: Seconds until the access token expires.
    expires_in: Count
    #: For one call of `/api/v1/auth/refresh`; that call's answer has the next.
    refresh_token: str
    #: When the login ends unless it is refreshed.
    refresh_expires_at: str
    session_id: str
    user: Person


class RegistrationTaken(Answer):
    """The same whether or not the address is known."""

    status: Literal["pending_verification"] = "pending_verification"
    verification_required: Literal[True] = True
    #: Seconds in which the token that was mailed can be used.
    expires_in: Count
    message: str


class VerificationDone(Answer):
    """What a token did."""

    #: `created`: the account of a registration was made.
    outcome: Literal["created", "verified"]
    user_id: str


class MailTaken(Answer):
    """A mail was sent, where there is somebody to send it to."""

    #: Seconds in which its token can be used.
    expires_in: Count
    message: str


class LoggedOut(Answer):
    """What has ended."""

    ended_sessions: Count
    logged_out_at: str


class LiveLogin(Answer):
    """One login that is alive."""

    id: str
    #: What the client called itself: its User-Agent.
    device: str
    #: Where the login came from.
    ip_address: str
    #: Always null.
    location: None
    #: Why there is no location.
    location_missing: Literal["not_looked_up"] = "not_looked_up"
    created_at: str
    #: Not more exact than a minute.
    last_activity: str
    expires_at: str
    #: Whether it is the one that asks.
    current: bool


class LiveLogins(Answer):
    """A page of logins, newest first."""

    items: tuple[LiveLogin, ...]
    next_cursor: str | None


class UserPreferences(Answer):
    """What a person likes."""

    notifications: bool | None = None
    theme: Literal["light", "dark", "system"] | None = None


class UsageStats(Answer):
    """How much was called."""

    api_calls_today: Count
    api_calls_month: Count
    #: Always null.
    storage_used: None = None
    #: Why there is no such figure.
    storage_used_missing: Literal["nothing_is_stored_for_long"] = "nothing_is_stored_for_long"


class Profile(Answer):
    """An account, as its owner sees it."""

    id: str
    email: str
    name: str
    role: Role
    status: Literal["active", "suspended"]
    permissions: tuple[Scope, ...]
    company: str
    phone: str
    preferences: UserPreferences
    #: Whether mail to the address was read.
    email_verified: bool
    mfa_enabled: bool
    created_at: str
    updated_at: str
    last_login: str | None
    usage_stats: UsageStats


class AccountLimits(Answer):
    """How much may be asked for; null: there is no such limit."""

    api_calls_per_hour: Count | None
    images_per_hour: Count | None
    batch_jobs_per_hour: Count | None
    #: Of a photo.
    file_size_limit_bytes: Count


class Permissions(Answer):
    """What the credential that asks may do."""

    role: Role
    permissions: tuple[Scope, ...]
    limits: AccountLimits


class MfaBegun(Answer):
    """A second factor that has yet to be proven."""

    method: Literal["totp"] = "totp"
    #: For an authenticator app, usually as a QR code. Holds the secret: shown once.
    otpauth_uri: str


class MfaActive(Answer):
    """A second factor that is in force."""

    #: Each logs in once without the app. Shown once.
    backup_codes: tuple[str, ...]


class ManagedUser(Answer):
    """An account, as an administrator sees it."""

    id: str
    email: str
    name: str
    company: str
    role: Role
    status: Literal["active", "suspended"]
    email_verified: bool
    mfa_enabled: bool
    created_at: str
    updated_at: str
    last_login: str | None


class ManagedUsers(Answer):
    """A page of accounts, in the order they were made."""

    items: tuple[ManagedUser, ...]
    next_cursor: str | None
