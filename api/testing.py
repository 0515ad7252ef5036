"""The gateway's parts in memory: for tests, and for whoever wants to try the routes."""

import threading
from functools import partial

import redis
from argon2.profiles import CHEAPEST

from api.accounts.opening import open_people
from api.accounts.passwords import Passwords
from api.accounts.redis_credentials import gateway_secret, open_credentials
from api.accounts.sealing import Seal
from api.kept_answers import MemoryKeptAnswers
from api.limits.memory_limiter import MemoryLimiter
from api.limits.rules import Rules
from api.live.connections import Connections, Live
from api.live.places import MemoryPlaces
from api.live.tickets import MemoryTickets
from api.outbound.opening import open_outbound
from api.resumable.redis_uploads import RedisUploads
from api.services import Services
from api.store_memory import FixedGauge, StoreMemory
from api.traffic import MemoryTraffic, Traffic
from api.vitals import Vitals
from api.webhooks.opening import open_webhooks
from models.catalogue import load_catalogue
from vram.redis_fleet import RedisFleet
from vram.redis_ledger import RedisLedger
from workers.batches.redis_chunks import RedisChunks
from workers.batches.redis_store import RedisBatches
from workers.blobs.store import MemoryBlobs
from workers.chunks.feed import ChunkFeeder
from workers.dispatch import MemoryJobQueue
from workers.identities.keys import VaultSeals
from workers.identities.opening import open_identities
from workers.identities.vault import MemoryVault
from workers.jobs.changes import JobWatch, LocalChanges
from workers.jobs.memory_store import MemoryJobs
from workers.jobs.scripts import require_writes
from workers.router import JobRouter
from workers.settings.process import Settings


def memory_parts(settings: Settings, client: redis.Redis) -> Services:
    """Everything in this process; what has no store in memory is on the given client.

    Args:
        settings: Of the gateway.
        client: A fakeredis client, or one of a server for tests; with `decode_responses`.
    """
    changes, fleet, catalogue = LocalChanges(), RedisFleet(client), load_catalogue()
    people = open_people(
        client,
        settings,
        seal=Seal(gateway_secret(settings), purpose="totp"),
        passwords=Passwords(CHEAPEST, at_once=8, wait_seconds=5),
    )
    jobs, queue = MemoryJobs(settings, changes=changes), MemoryJobQueue()
    router = JobRouter(fleet, jobs, catalogue, settings)
    chunks = RedisChunks(client, settings)
    wait_slots = threading.BoundedSemaphore(2)
    return Services(
        settings=settings,
        people=people,
        credentials=open_credentials(client, settings, people.sessions),
        catalogue=catalogue,
        outbound=open_outbound(settings),
        jobs=jobs,
        watch=JobWatch(jobs, changes),
        changes=changes,
        kept_answers=MemoryKeptAnswers(),
        batches=RedisBatches(client, settings),
        chunks=ChunkFeeder(chunks=chunks, jobs=jobs, queue=queue, router=router, settings=settings),
        blobs=MemoryBlobs(),
        identities=open_identities(_binary(client), settings, VaultSeals(MemoryVault())),
        identity_blobs=MemoryBlobs(),
        uploads=RedisUploads(client, ttl_seconds=settings.upload_ttl_seconds),
        queue=queue,
        limiter=MemoryLimiter(),
        limit_rules=Rules(settings),
        ledger=RedisLedger(client, silent_seconds=15),
        fleet=fleet,
        router=router,
        wait_slots=wait_slots,
        live=Live(
            tickets=MemoryTickets(),
            connections=Connections(
                MemoryPlaces(), most_of_user=settings.live_connections, slots=wait_slots
            ),
        ),
        webhooks=open_webhooks(client, settings)[0],
        vitals=Vitals(jobs, fleet, require_writes=partial(require_writes, client), kept_seconds=0),
        traffic=Traffic(MemoryTraffic()),
        store_gauge=FixedGauge(StoreMemory(used_bytes=2**20, limit_bytes=2**29)),
    )


def _binary(client: redis.Redis) -> redis.Redis:
    """Another client of the same server, whose answers are bytes."""
    pool = client.connection_pool
    arguments = {**pool.connection_kwargs, "decode_responses": False}
    return redis.Redis(
        connection_pool=type(pool)(connection_class=pool.connection_class, **arguments)
    )
