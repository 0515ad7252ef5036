"""The parts that tell callers, and remember what they did."""

from dataclasses import dataclass

from api.accounts.audit import AuditLog
from api.accounts.callers import Callers
from api.accounts.key_ring import KeyRing
from api.accounts.keys import KeyStore
from api.accounts.tokens import TokenIssuer
from api.accounts.usage import UsageCounts


@dataclass(frozen=True, kw_only=True, slots=True)
class Credentials:
    """Everything about keys and tokens; see `api.accounts.redis_credentials`."""

    callers: Callers
    keys: KeyStore
    ring: KeyRing
    tokens: TokenIssuer
    audit: AuditLog
    usage: UsageCounts
