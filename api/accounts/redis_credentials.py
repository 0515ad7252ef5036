"""Everything about credentials, put together on one client of the store."""

import secrets

import redis

from api.accounts.callers import Callers, Sessions
from api.accounts.credentials import Credentials
from api.accounts.key_ring import KeyRing
from api.accounts.redis_audit import RedisAudit
from api.accounts.redis_key_ring import RedisKeyRing
from api.accounts.redis_keys import RedisKeys
from api.accounts.redis_usage import RedisUsage
from api.accounts.sealing import Seal
from api.accounts.tokens import TokenIssuer
from api.exposure import is_loopback
from workers.settings.process import Settings

_DAY_SECONDS = 86_400


def open_credentials(client: redis.Redis, settings: Settings, sessions: Sessions) -> Credentials:
    """The parts on a client, whose answers may be text or bytes."""
    audit = RedisAudit(client, entries_kept=settings.audit_entries_kept)
    keys = RedisKeys(client, audit)
    ring = KeyRing(
        RedisKeyRing(client),
        Seal(gateway_secret(settings), purpose="signing keys"),
        algorithm=settings.token_algorithm,
        signing_seconds=settings.signing_key_days * _DAY_SECONDS,
        token_seconds=settings.access_token_seconds,
    )
    tokens = TokenIssuer(ring, token_seconds=settings.access_token_seconds)
    development_key = settings.development_key
    return Credentials(
        callers=Callers(
            keys,
            tokens,
            sessions,
            development_key=development_key.get_secret_value() if development_key else None,
            is_local=is_loopback(settings.host),
        ),
        keys=keys,
        ring=ring,
        tokens=tokens,
        audit=audit,
        usage=RedisUsage(client, kept_days=settings.usage_kept_days),
    )


def gateway_secret(settings: Settings) -> str:
    """What seals secrets in the store.

    Without one in the settings, what is sealed can be opened by this process only. A gateway with
    accounts does not start that way; see `api.exposure`.
    """
    given = settings.gateway_secret
    return given.get_secret_value() if given else secrets.token_urlsafe(32)
