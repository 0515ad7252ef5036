"""People with an account: what is kept of them, and the store's contract."""

import hashlib
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import uuid_utils

from api.principal import Role

Status = Literal["active", "suspended"]

#: HTML's rule for the part before the @; https://html.spec.whatwg.org/#valid-e-mail-address
_LOCAL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}")
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
#: RFC 5321: a path has at most 256 octets, its angle brackets included.
MOST_EMAIL_LETTERS = 254


class InvalidEmail(ValueError):
    """The text is no e-mail address."""


class EmailTaken(Exception):
    """Another user has that address."""


@dataclass(frozen=True, kw_only=True, slots=True)
class User:
    """One person."""

    #: `user_` and a UUIDv7 without dashes.
    id: str
    #: As it was given, without blanks around.
    email: str
    #: Argon2id hash, encoded with its parameters.
    password: str = field(repr=False)
    role: Role
    status: Status = "active"
    name: str = ""
    company: str = ""
    phone: str = ""
    #: JSON of what the person prefers; see `api.accounts.bodies`.
    preferences_json: str = "{}"
    #: Whether mail to the address was read.
    email_verified: bool = False
    #: TOTP secret in force, sealed; "" without a second factor.
    mfa_secret: str = field(default="", repr=False)
    #: TOTP secret that was not proven yet, sealed; "" for none.
    mfa_pending: str = field(default="", repr=False)
    #: Milliseconds since 1970, as the store's clock said.
    created_ms: int = 0
    updated_ms: int = 0
    last_login_ms: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Registration:
    """Somebody who wants an account and has yet to read the mail to the address."""

    email: str
    password: str = field(repr=False)
    name: str
    company: str = ""
    phone: str = ""


#: A change of role or status: done, or nobody of that id.
Changed = Literal["changed", "missing"]
#: stale: the password had been changed in the meantime.
PasswordChanged = Literal["changed", "stale", "missing"]
OnceKind = Literal["reset", "verify"]
#: What the token of a mail did, and to which user.
Verified = tuple[Literal["created", "verified"], str]


class UserStore(Protocol):
    """Where people are kept. Each call is one step; every method raises StoreUnavailable."""

    def add(self, user: User) -> None:
        """Keep a new user.

        Raises:
            EmailTaken: another user has the address. Nothing was stored.
        """
        ...

    def get(self, user_id: str) -> User | None:
        """The user of that id."""
        ...

    def by_email(self, email: str) -> User | None:
        """The user with that address, however it is written."""
        ...

    def page(self, *, limit: int, after: str = "") -> Sequence[User]:
        """Up to `limit` users in the order they were made, after the one of that id."""
        ...

    def update(self, user_id: str, fields: Mapping[str, str]) -> bool:
        """Set fields of `User` by their names; "" clears one. False: there is no such user."""
        ...

    def set_standing(
        self, user_id: str, *, role: Role | None = None, status: Status | None = None
    ) -> Changed:
        """Change role, status or both. Who is suspended loses all sessions.

        Raises:
            LastAdmin: nobody else is an active administrator. Nothing was changed.
        """
        ...

    def delete(self, user_id: str) -> bool:
        """Delete a user with all sessions and what was sent to use once. False: there is none.

        Raises:
            LastAdmin: nobody else is an active administrator. Nothing was changed.
        """
        ...

    def set_password(
        self, user_id: str, password: str, *, before: str, spared_session: str
    ) -> PasswordChanged:
        """Replace a password's hash, if it is still `before`; all sessions but one end."""
        ...

    def rehash(self, user_id: str, password: str, *, before: str) -> None:
        """Replace a hash by one of the same password, if it is still `before`."""
        ...

    def put_once(self, kind: OnceKind, digest: str, user_id: str, *, ttl_seconds: int) -> bool:
        """Keep a token's digest that the user can use once; an older one of the kind is void."""
        ...

    def reset_target(self, digest: str) -> User | None:
        """Whose password that token resets. It is not used up."""
        ...

    def reset_password(self, digest: str, user_id: str, password: str) -> bool:
        """Use the token up: set the password, end all sessions. False: it is void."""
        ...

    def put_registration(
        self, digest: str, registration: Registration, *, ttl_seconds: int
    ) -> None:
        """Keep a registration until its token is used. Nobody else learns of it."""
        ...

    def verify(self, digest: str, *, new_id: str) -> Verified | None:
        """Use a token up: make the user of a registration, or note that an address is verified.

        Returns:
            What was done and to which user; None: the token is void, or the address taken.
        """
        ...

    def count_mail(self, email: str, *, window_seconds: int) -> int:
        """Mails to that address within the window, this one included."""
        ...

    def begin_mfa(self, user_id: str, sealed: str) -> bool:
        """Keep a secret that has to be proven. False: a second factor is in force."""
        ...

    def activate_mfa(self, user_id: str, sealed: str, *, step: int, backups: Sequence[str]) -> bool:
        """Put the pending secret in force with the digests of its backup codes.

        Args:
            user_id: Whose.
            sealed: The secret that was proven.
            step: Time step of the code that proved it; it can't be used again.
            backups: SHA-256 of each code.
        """
        ...

    def use_mfa_step(self, user_id: str, step: int) -> bool:
        """Use the code of a time step up. False: it or a later one was used before."""
        ...

    def use_backup(self, user_id: str, digest: str) -> bool:
        """Use a backup code up. False: there is none such."""
        ...

    def end_mfa(self, user_id: str) -> None:
        """Forget the second factor and its backup codes."""
        ...


def new_user_id() -> str:
    """An id; later ones sort after earlier ones."""
    return f"user_{uuid_utils.uuid7().hex}"


def normal_email(text: str) -> str:
    """An address as it is compared: small letters, the domain in ASCII.

    Mail servers may tell large and small letters apart before the @; people don't, so two accounts
    must not differ by them alone.

    Raises:
        InvalidEmail: it is no address.
    """
    local, at, domain = unicodedata.normalize("NFC", text.strip()).rpartition("@")
    try:
        ascii_domain = domain.encode("idna").decode().lower() if domain.isprintable() else ""
    except UnicodeError:
        ascii_domain = ""
    labels = ascii_domain.split(".")
    whole = f"{local.lower()}@{ascii_domain}"
    is_good = at and _LOCAL.fullmatch(local) and all(map(_LABEL.fullmatch, labels))
    if not is_good or len(whole) > MOST_EMAIL_LETTERS:
        raise InvalidEmail("That is no e-mail address.")
    return whole


def email_digest(email: str) -> str:
    """What stands for an address in keys and indexes, which tools list.

    Raises:
        InvalidEmail: it is no address.
    """
    return hashlib.sha256(normal_email(email).encode()).hexdigest()


def digest_of(token: str) -> str:
    """SHA-256 of a token of 256 random bits: it takes no salt and no slow hash."""
    return hashlib.sha256(token.encode()).hexdigest()


def user_fields(user: User) -> dict[str, Any]:
    """What a store keeps of a user it is given, by name."""
    return {
        "email": user.email,
        "password": user.password,
        "role": user.role,
        "status": user.status,
        "name": user.name,
        "company": user.company,
        "phone": user.phone,
        "preferences_json": user.preferences_json,
        "email_verified": "1" if user.email_verified else "",
    }
