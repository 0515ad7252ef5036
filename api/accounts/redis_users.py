"""People on Redis or Valkey: thin calls to the scripts in `api/accounts/lua`."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import redis

from api.accounts.errors import LastAdmin
from api.accounts.scripts import ONCE_PREFIX, USER_PREFIX, USERS, Scripts, pairs
from api.accounts.users import (
    Changed,
    EmailTaken,
    OnceKind,
    PasswordChanged,
    Registration,
    Status,
    User,
    Verified,
    email_digest,
    user_fields,
)
from api.principal import Role
from workers.connections.calls import text, texts, translated

_SCRIPTS = (
    "user_create",
    "user_by_email",
    "user_update",
    "user_standing",
    "user_delete",
    "password_set",
    "password_reset",
    "once_put",
    "registration_put",
    "verify",
    "mail_count",
    "mfa_begin",
    "mfa_activate",
    "mfa_use",
    "mfa_off",
)


class RedisUsers:
    """A `UserStore` shared by all gateways that reach one server.

    Args:
        client: Its answers may be text or bytes.
        clock_ms: Replaces the server's clock, for tests.
    """

    def __init__(self, client: redis.Redis, *, clock_ms: Callable[[], int] | None = None) -> None:
        self._client = client
        self._scripts = Scripts(client, _SCRIPTS, clock_ms=clock_ms)

    def add(self, user: User) -> None:
        """See UserStore."""
        fields = _flat(user_fields(user))
        if (
            self._scripts.call("user_create", user.id, email_digest(user.email), *fields)
            != "created"
        ):
            raise EmailTaken

    def get(self, user_id: str) -> User | None:
        """See UserStore."""
        with translated():
            fields = texts(
                cast("dict[object, object]", self._client.hgetall(USER_PREFIX + user_id))
            )
        return user_of(user_id, fields) if fields else None

    def by_email(self, email: str) -> User | None:
        """See UserStore."""
        found = self._scripts.call("user_by_email", email_digest(email))
        return user_of(found[0], pairs(found[1])) if found else None

    def page(self, *, limit: int, after: str = "") -> Sequence[User]:
        """See UserStore."""
        with translated():
            least = f"({after}" if after else "-"
            ids = [text(one) for one in self._client.zrangebylex(USERS, least, "+", 0, limit)]
            with self._client.pipeline(transaction=False) as asked:
                for user_id in ids:
                    asked.hgetall(USER_PREFIX + user_id)
                hashes = asked.execute()
        # One that was deleted between the two calls is left out.
        return tuple(
            user_of(user_id, texts(fields))
            for user_id, fields in zip(ids, hashes, strict=True)
            if fields
        )

    def update(self, user_id: str, fields: Mapping[str, str]) -> bool:
        """See UserStore."""
        return bool(self._scripts.call("user_update", user_id, "", "", *_flat(fields, keep=True)))

    def set_standing(
        self, user_id: str, *, role: Role | None = None, status: Status | None = None
    ) -> Changed:
        """See UserStore."""
        outcome = self._scripts.call("user_standing", user_id, role or "", status or "")[0]
        if outcome == "last_admin":
            raise LastAdmin
        return cast("Changed", outcome)

    def delete(self, user_id: str) -> bool:
        """See UserStore."""
        outcome = self._scripts.call("user_delete", user_id)
        if outcome == "last_admin":
            raise LastAdmin
        return bool(outcome == "deleted")

    def set_password(
        self, user_id: str, password: str, *, before: str, spared_session: str
    ) -> PasswordChanged:
        """See UserStore."""
        answer = self._scripts.call("password_set", user_id, password, before, spared_session)
        return cast("PasswordChanged", answer[0])

    def rehash(self, user_id: str, password: str, *, before: str) -> None:
        """See UserStore."""
        self._scripts.call("user_update", user_id, "password", before, "password", password)

    def put_once(self, kind: OnceKind, digest: str, user_id: str, *, ttl_seconds: int) -> bool:
        """See UserStore."""
        return bool(self._scripts.call("once_put", kind, digest, user_id, ttl_seconds * 1000))

    def reset_target(self, digest: str) -> User | None:
        """See UserStore."""
        with translated():
            user_id = text(self._client.get(f"{ONCE_PREFIX}reset:{digest}"))
        return self.get(user_id) if user_id else None

    def reset_password(self, digest: str, user_id: str, password: str) -> bool:
        """See UserStore."""
        return bool(self._scripts.call("password_reset", digest, user_id, password)[0] == "changed")

    def put_registration(
        self, digest: str, registration: Registration, *, ttl_seconds: int
    ) -> None:
        """See UserStore."""
        wanted = User(
            id="",
            email=registration.email,
            password=registration.password,
            role="user",
            name=registration.name,
            company=registration.company,
            phone=registration.phone,
        )
        fields = {**user_fields(wanted), "email_hash": email_digest(registration.email)}
        self._scripts.call("registration_put", digest, ttl_seconds * 1000, *_flat(fields))

    def verify(self, digest: str, *, new_id: str) -> Verified | None:
        """See UserStore."""
        outcome, *user_id = self._scripts.call("verify", digest, new_id)
        return (outcome, user_id[0]) if user_id else None

    def count_mail(self, email: str, *, window_seconds: int) -> int:
        """See UserStore."""
        return int(self._scripts.call("mail_count", email_digest(email), window_seconds * 1000))

    def begin_mfa(self, user_id: str, sealed: str) -> bool:
        """See UserStore."""
        return bool(self._scripts.call("mfa_begin", user_id, sealed))

    def activate_mfa(self, user_id: str, sealed: str, *, step: int, backups: Sequence[str]) -> bool:
        """See UserStore."""
        return bool(self._scripts.call("mfa_activate", user_id, sealed, step, *backups))

    def use_mfa_step(self, user_id: str, step: int) -> bool:
        """See UserStore."""
        return bool(self._scripts.call("mfa_use", user_id, step, ""))

    def use_backup(self, user_id: str, digest: str) -> bool:
        """See UserStore."""
        return bool(self._scripts.call("mfa_use", user_id, "", digest))

    def end_mfa(self, user_id: str) -> None:
        """See UserStore."""
        self._scripts.call("mfa_off", user_id)


def user_of(user_id: str, fields: Mapping[str, str]) -> User:
    """The user of a hash."""
    last_login = fields.get("last_login_ms")
    return User(
        id=user_id,
        email=fields["email"],
        password=fields["password"],
        role=cast("Role", fields["role"]),
        status=cast("Status", fields["status"]),
        name=fields.get("name", ""),
        company=fields.get("company", ""),
        phone=fields.get("phone", ""),
        preferences_json=fields.get("preferences_json", "{}"),
        email_verified=bool(fields.get("email_verified")),
        mfa_secret=fields.get("mfa_secret", ""),
        mfa_pending=fields.get("mfa_pending", ""),
        created_ms=int(fields["created_ms"]),
        updated_ms=int(fields["updated_ms"]),
        last_login_ms=int(last_login) if last_login else None,
    )


def _flat(fields: Mapping[str, Any], *, keep: bool = False) -> list[str]:
    """Names and values in one list; without the empty ones, unless those clear something."""
    return [part for name, value in fields.items() if value or keep for part in (name, value)]
