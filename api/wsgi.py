"""Composition root of the gateway: `gunicorn "api.wsgi:create()"`."""

import threading

from flask import Flask

from api.app import create_app
from api.services import Services
from models.catalogue import load_catalogue
from workers.dispatch import CeleryJobQueue, publisher
from workers.logs import configure_logging
from workers.obstore_blobs import open_blobs
from workers.redis_client import connect, open_fleet, open_ledger
from workers.redis_jobs import RedisJobs
from workers.redis_watch import RedisJobWatch
from workers.router import JobRouter
from workers.settings import load_settings


def create() -> Flask:
    """The application of this process, with real parts."""
    settings = load_settings()
    configure_logging(settings)
    client = connect(settings, role="gateway")
    jobs = RedisJobs(client, settings)
    fleet = open_fleet(client, settings)
    catalogue = load_catalogue()
    parts = Services(
        settings=settings,
        catalogue=catalogue,
        jobs=jobs,
        watch=RedisJobWatch(client, jobs),
        blobs=open_blobs(settings.blob_location),
        queue=CeleryJobQueue(publisher(settings)),
        ledger=open_ledger(client, settings),
        fleet=fleet,
        router=JobRouter(fleet, jobs, catalogue, settings),
        wait_slots=threading.BoundedSemaphore(max(1, settings.gateway_threads * 3 // 4)),
    )
    return create_app(parts)
