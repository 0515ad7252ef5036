"""Composition root of the gateway: `gunicorn "api.wsgi:create()"`."""

import threading
from functools import partial

from flask import Flask

from api.accounts.opening import open_people
from api.accounts.redis_credentials import gateway_secret, open_credentials
from api.accounts.sealing import Seal
from api.app import create_app
from api.exposure import require_safe
from api.limits.redis_limiter import RedisLimiter
from api.limits.rules import Rules
from api.live.redis_live import open_live
from api.offload import OffloadedBlobs, OffloadedVault
from api.outbound.opening import open_outbound
from api.redis_kept_answers import RedisKeptAnswers
from api.redis_store_gauge import RedisStoreGauge
from api.redis_traffic import RedisTraffic
from api.resumable.redis_uploads import RedisUploads
from api.routes.documents import prepare_document
from api.services import Services
from api.traffic import Traffic
from api.vitals import Vitals
from api.webhooks.opening import open_webhooks
from models.catalogue import load_catalogue
from workers.batches.redis_chunks import RedisChunks
from workers.batches.redis_store import RedisBatches
from workers.blobs.obstore_store import IDENTITY_PREFIX, open_blobs
from workers.chunks.feed import ChunkFeeder
from workers.connections.client import connect, open_fleet, open_ledger
from workers.dispatch import CeleryJobQueue, publisher
from workers.identities.keys import VaultSeals
from workers.identities.opening import Identities, open_identities
from workers.identities.vaults import open_vault
from workers.jobs.changes import JobWatch
from workers.jobs.redis_changes import RedisChanges
from workers.jobs.redis_store import RedisJobs
from workers.jobs.scripts import require_writes
from workers.logs import configure_logging
from workers.router import JobRouter
from workers.settings.process import Settings, load_settings

#: Of a gateway process to the store. Calls are short: more connections only cost being made.
STORE_CONNECTIONS = 32


def create() -> Flask:
    """The application of this process, with real parts."""
    settings = load_settings()
    require_safe(settings)
    configure_logging(settings)
    client = connect(settings, role="gateway", most_connections=STORE_CONNECTIONS)
    jobs = RedisJobs(client, settings)
    changes = RedisChanges(connect(settings, role="gateway-changes"))
    fleet = open_fleet(client, settings)
    catalogue = load_catalogue()
    queue = CeleryJobQueue(publisher(settings))
    router = JobRouter(fleet, jobs, catalogue, settings)
    people = open_people(client, settings, seal=Seal(gateway_secret(settings), purpose="totp"))
    webhooks, pump = open_webhooks(client, settings)
    wait_slots = threading.BoundedSemaphore(settings.gateway_connections * 3 // 4)
    live = open_live(client, settings, wait_slots)
    parts = Services(
        settings=settings,
        people=people,
        credentials=open_credentials(client, settings, people.sessions),
        catalogue=catalogue,
        outbound=open_outbound(settings),
        jobs=jobs,
        watch=JobWatch(jobs, changes),
        changes=changes,
        kept_answers=RedisKeptAnswers(client),
        batches=RedisBatches(client, settings),
        chunks=ChunkFeeder(
            chunks=RedisChunks(client, settings),
            jobs=jobs,
            queue=queue,
            router=router,
            settings=settings,
        ),
        blobs=OffloadedBlobs(open_blobs(settings.blob_location)),
        identities=_identities(settings),
        identity_blobs=OffloadedBlobs(open_blobs(settings.blob_location, prefix=IDENTITY_PREFIX)),
        uploads=RedisUploads(client, ttl_seconds=settings.upload_ttl_seconds),
        queue=queue,
        limiter=RedisLimiter(client),
        limit_rules=Rules(settings),
        ledger=open_ledger(client, settings),
        fleet=fleet,
        router=router,
        wait_slots=wait_slots,
        live=live,
        webhooks=webhooks,
        vitals=Vitals(jobs, fleet, require_writes=partial(require_writes, client)),
        traffic=Traffic(RedisTraffic(client)),
        store_gauge=RedisStoreGauge(client),
    )
    parts.drain.on_stop(changes.interrupt)
    parts.drain.on_stop(live.connections.end_all)
    parts.drain.on_stop(pump.close)
    parts.drain.on_end(parts.traffic.close)
    pump.start()
    parts.traffic.start()
    app = create_app(parts)
    prepare_document(app)
    return app


def _identities(settings: Settings) -> Identities:
    """Known people, with keys whose vault is read in threads of their own."""
    seals = VaultSeals(OffloadedVault(open_vault(settings.identity_keys_location)))
    client = connect(
        settings, role="gateway-identities", most_connections=STORE_CONNECTIONS, is_binary=True
    )
    return open_identities(client, settings, seals)
