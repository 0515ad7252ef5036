"""Known people as one process sees them."""

from collections.abc import Callable
from dataclasses import dataclass

import redis

from workers.identities.forgetting_store import ForgettingStore
from workers.identities.redis_collections import RedisCollections
from workers.identities.redis_face_log import RedisFaceLog
from workers.identities.redis_forgetting import RedisForgetting
from workers.identities.redis_persons import RedisPersons
from workers.identities.redis_reembedding import RedisReembedding
from workers.identities.reembedding_store import ReembeddingStore
from workers.identities.scripts import IdentityScripts
from workers.identities.seals import Seals
from workers.identities.store import CollectionStore, FaceLog, PersonStore
from workers.settings.process import Settings


@dataclass(frozen=True, kw_only=True, slots=True)
class Identities:
    """The stores of known people, and their keys."""

    collections: CollectionStore
    persons: PersonStore
    log: FaceLog
    forgetting: ForgettingStore
    reembedding: ReembeddingStore
    seals: Seals


def open_identities(
    client: redis.Redis,
    settings: Settings,
    seals: Seals,
    *,
    clock_ms: Callable[[], int] | None = None,
) -> Identities:
    """All of them on one client.

    Args:
        client: Its answers are bytes: `connect(settings, role=..., is_binary=True)`.
        settings: Of the store.
        seals: The keys of collections.
        clock_ms: Replaces the server's clock, for tests.
    """
    scripts = IdentityScripts(client, settings, seals, clock_ms=clock_ms)
    return Identities(
        collections=RedisCollections(scripts),
        persons=RedisPersons(scripts),
        log=RedisFaceLog(scripts),
        forgetting=RedisForgetting(scripts),
        reembedding=RedisReembedding(scripts),
        seals=seals,
    )
