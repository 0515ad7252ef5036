"""What the routes work with, put together by `api.wsgi` or by a test."""

import threading
from dataclasses import dataclass
from typing import cast

from flask import current_app

from models.catalogue import Catalogue
from vram.fleet import Fleet
from vram.ledger import VramLedger
from workers.blobs import BlobStore
from workers.dispatch import JobQueue
from workers.jobs import JobStore, JobWatch
from workers.router import JobRouter
from workers.settings import Settings

_KEY = "facesocial"


@dataclass(frozen=True, kw_only=True, slots=True)
class Services:
    """The gateway's parts."""

    settings: Settings
    catalogue: Catalogue
    jobs: JobStore
    watch: JobWatch
    blobs: BlobStore
    queue: JobQueue
    ledger: VramLedger
    fleet: Fleet
    router: JobRouter
    #: One for each client that may wait at a time in this process.
    wait_slots: threading.BoundedSemaphore

    def attach(self, extensions: dict[str, object]) -> None:
        """Hand these to the routes of an app."""
        extensions[_KEY] = self


def services() -> Services:
    """The parts of the app that serves the current request."""
    return cast("Services", current_app.extensions[_KEY])
