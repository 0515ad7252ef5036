"""Accounts as clients see them."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from api.accounts.sessions import Begun, Session
from api.accounts.tokens import AccessToken
from api.accounts.usage import UsageCounts, sum_of
from api.accounts.users import User
from api.answers.accounts import (
    LiveLogin,
    ManagedUser,
    Person,
    Profile,
    Tokens,
    UsageStats,
    UserPreferences,
)
from api.principal import SCOPES_OF_ROLE, Role, Scope
from api.timestamps import timestamp


def permissions_of(role: Role) -> tuple[Scope, ...]:
    """What a role may do, in a steady order."""
    return tuple(sorted(SCOPES_OF_ROLE[role]))


def time_of(milliseconds: int) -> str:
    """A time that is known, as text."""
    return cast("str", timestamp(milliseconds))


def tokens_of(begun: Begun, access: AccessToken) -> dict[str, Any]:
    """The answer to a login or a refresh."""
    user = begun.user
    person = Person(
        id=user.id,
        email=user.email,
        name=user.name,
        role=user.role,
        permissions=permissions_of(user.role),
        last_login=timestamp(user.last_login_ms),
    )
    return Tokens(
        access_token=access.text,
        expires_in=access.expires_in_seconds,
        refresh_token=begun.refresh_token,
        refresh_expires_at=time_of(begun.expires_ms),
        session_id=begun.session_id,
        user=person,
    ).model_dump(mode="json")


def login_of(session: Session, *, current: str) -> LiveLogin:
    """A session as its owner sees it.

    Args:
        session: The session.
        current: Id of the one that asks.
    """
    return LiveLogin(
        id=session.id,
        device=session.device,
        ip_address=session.address,
        location=None,
        created_at=time_of(session.created_ms),
        last_activity=time_of(session.last_ms),
        expires_at=time_of(session.expires_ms),
        current=session.id == current,
    )


def profile_of(user: User, usage: UsageCounts) -> dict[str, Any]:
    """An account as its owner sees it."""
    return Profile(
        id=user.id,
        email=user.email,
        name=user.name,
        role=user.role,
        status=user.status,
        permissions=permissions_of(user.role),
        company=user.company,
        phone=user.phone,
        preferences=UserPreferences(**json.loads(user.preferences_json)),
        email_verified=user.email_verified,
        mfa_enabled=bool(user.mfa_secret),
        created_at=time_of(user.created_ms),
        updated_at=time_of(user.updated_ms),
        last_login=timestamp(user.last_login_ms),
        usage_stats=_usage_stats(user.id, usage),
    ).model_dump(mode="json")


def managed_user_of(user: User) -> ManagedUser:
    """An account as an administrator sees it."""
    return ManagedUser(
        id=user.id,
        email=user.email,
        name=user.name,
        company=user.company,
        role=user.role,
        status=user.status,
        email_verified=user.email_verified,
        mfa_enabled=bool(user.mfa_secret),
        created_at=time_of(user.created_ms),
        updated_at=time_of(user.updated_ms),
        last_login=timestamp(user.last_login_ms),
    )


def _usage_stats(user_id: str, usage: UsageCounts) -> UsageStats:
    today = datetime.now(UTC).date()
    tallies = usage.by_date(user_id, today - timedelta(days=today.day - 1), today)
    return UsageStats(
        api_calls_today=tallies[today].total if today in tallies else 0,
        api_calls_month=sum_of(tallies).total,
    )
