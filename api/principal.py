"""Who asks: what a request may do once its credential was checked."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal


class Scope(StrEnum):
    """A right. Roles and API keys hold some; every endpoint asks for at most one."""

    #: Send photos and videos, read and end one's own jobs, watch live.
    ANALYZE = "face:analyze"
    #: Send batches and resumable uploads.
    BATCH = "face:batch"
    #: Read one's own collections of known people, search them, verify by them.
    IDENTITY_READ = "identity:read"
    #: Make, change and delete them, and enrol people.
    IDENTITY_MANAGE = "identity:manage"
    #: Manage one's own webhooks.
    WEBHOOKS = "webhooks:manage"
    #: Read and change one's own account: profile, sessions, keys. A key needs it named explicitly.
    ACCOUNT = "account:manage"
    #: Read devices, models, the ledger and the metrics.
    MONITOR = "system:monitor"
    #: Manage everybody's accounts.
    USERS = "admin:users"
    #: Load, unload and pin models.
    SYSTEM = "admin:system"


Role = Literal["user", "premium", "developer", "admin"]

_EVERYBODY = frozenset({Scope.ANALYZE, Scope.ACCOUNT, Scope.IDENTITY_READ, Scope.IDENTITY_MANAGE})
#: What each role may do; docs/reference/permissions.md.
SCOPES_OF_ROLE: Mapping[Role, frozenset[Scope]] = {
    "user": _EVERYBODY,
    "premium": _EVERYBODY | {Scope.BATCH},
    "developer": _EVERYBODY | {Scope.BATCH, Scope.WEBHOOKS},
    "admin": frozenset(Scope),
}

#: How a request proved who it is. open: authentication is off. none: it did not, and need not.
CredentialKind = Literal["key", "token", "ticket", "open", "none"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Principal:
    """The caller of a request."""

    #: Owner of what the request makes; "local" when authentication is off, "" of nobody in
    #: particular.
    user_id: str
    role: Role
    #: What this very credential may do: a key may hold less than its user's role.
    scopes: frozenset[Scope]
    kind: CredentialKind
    #: Id of the API key or session; "" when authentication is off. Safe to log and to count by.
    credential_id: str = ""


#: Everybody, when authentication is off.
LOCAL = Principal(user_id="local", role="admin", scopes=frozenset(Scope), kind="open")

#: Whoever calls an open endpoint.
ANONYMOUS = Principal(user_id="", role="user", scopes=frozenset(), kind="none")
