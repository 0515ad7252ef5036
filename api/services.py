"""What the routes work with, put together by `api.wsgi` or by a test."""

import threading
from dataclasses import dataclass, field
from typing import cast

from flask import Flask, current_app

from api.accounts.credentials import Credentials
from api.accounts.people import People
from api.drain import Drain
from api.kept_answers import KeptAnswers
from api.limits.limiter import Limiter
from api.limits.rules import Rules
from api.live.connections import Live
from api.outbound.guard import Outbound
from api.resumable.uploads import UploadStore
from api.store_memory import StoreGauge
from api.traffic import Traffic
from api.vitals import Vitals
from api.webhooks.registry import WebhookRegistry
from models.catalogue import Catalogue
from vram.fleet import Fleet
from vram.ledger import VramLedger
from workers.batches.store import BatchStore
from workers.blobs.store import BlobStore
from workers.chunks.feed import ChunkFeeder
from workers.dispatch import JobQueue
from workers.identities.opening import Identities
from workers.jobs.changes import Changes, JobWatch
from workers.jobs.store import JobStore
from workers.router import JobRouter
from workers.settings.process import Settings

_KEY = "facesocial"


@dataclass(frozen=True, kw_only=True, slots=True)
class Services:
    """The gateway's parts."""

    settings: Settings
    people: People
    credentials: Credentials
    catalogue: Catalogue
    #: Fetches files that are named by URL.
    outbound: Outbound
    jobs: JobStore
    watch: JobWatch
    changes: Changes
    #: Of requests with an `Idempotency-Key` that make neither job nor batch.
    kept_answers: KeptAnswers
    batches: BatchStore
    #: Has workers take a batch's new items at once.
    chunks: ChunkFeeder
    blobs: BlobStore
    #: Known people.
    identities: Identities
    #: Kept photos of enrolled faces.
    identity_blobs: BlobStore
    uploads: UploadStore
    queue: JobQueue
    limiter: Limiter
    limit_rules: Rules
    ledger: VramLedger
    fleet: Fleet
    router: JobRouter
    #: One for each client that may wait at a time in this process: `?wait=`, events, WebSockets.
    wait_slots: threading.BoundedSemaphore
    vitals: Vitals
    #: How many requests were answered, how, and how fast.
    traffic: Traffic
    #: How full the store is.
    store_gauge: StoreGauge
    webhooks: WebhookRegistry
    #: WebSockets.
    live: Live
    #: What this process knows of its own end.
    drain: Drain = field(default_factory=Drain)

    def attach(self, extensions: dict[str, object]) -> None:
        """Hand these to the routes of an app."""
        extensions[_KEY] = self


def services() -> Services:
    """The parts of the app that serves the current request."""
    return services_of(current_app)


def services_of(app: Flask) -> Services:
    """The parts of an app."""
    return cast("Services", app.extensions[_KEY])
