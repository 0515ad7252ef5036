"""API keys, public signing keys, the audit log and the counts of calls."""

from datetime import date
from typing import Annotated, Any

from pydantic import ConfigDict, Field

from api.accounts.records import KeyState
from api.answers import Answer
from api.answers.jobs import Time
from api.principal import Scope

Count = Annotated[int, Field(ge=0)]


class KeyAnswer(Answer):
    """An API key, without the key."""

    id: str
    name: str
    #: Its rights, as far as its owner still has them.
    scopes: tuple[Scope, ...]
    state: KeyState
    #: Its last four letters.
    hint: str
    created_at: Time
    #: Null: it does not expire.
    expires_at: Time | None
    #: Null: never. Not more exact than a minute.
    last_used_at: Time | None
    revoked_at: Time | None
    #: Until when the key before the last rotation is taken, too.
    previous_until: Time | None


class KeyWithSecret(KeyAnswer):
    """The same with the key, which is told this once."""

    key: str


class KeyList(Answer):
    """One's API keys, newest first."""

    items: tuple[KeyAnswer, ...]
    #: Always null: all are told.
    next_cursor: None


class SigningKeys(Answer):
    """The public keys of access tokens, as a JSON Web Key Set (RFC 7517)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    keys: tuple[dict[str, Any], ...]


class AuditAnswer(Answer):
    """One security-relevant act."""

    #: Place in the log.
    id: str
    at: Time
    #: What: `key.created`, `login.failed` …
    action: str
    #: Who; empty where that is not known.
    user_id: str
    #: Key or session that was used; empty where there was none.
    credential_id: str
    #: The network it came from: 24 bits of an IPv4 address, 48 of IPv6.
    network: str
    request_id: str
    detail: dict[str, str]


class AuditPage(Answer):
    """Entries, newest first."""

    items: tuple[AuditAnswer, ...]
    #: For the next page; null at the end.
    next_cursor: str | None


class UsageAnswer(Answer):
    """How often one called, by days of UTC."""

    start_date: date
    end_date: date
    total_calls: Count
    #: Answered with a status below 400.
    successful_calls: Count
    failed_calls: Count
    #: By method and route.
    by_endpoint: dict[str, Count]
    #: By day; days without calls are there, too.
    by_date: dict[date, Count]
    #: By id of the API key; calls with tokens are in none.
    by_key: dict[str, Count]
