"""gunicorn's settings for `benchmarks.bare_upload`: the gateway's, but for what it has not."""

from api.gateway_worker import GatewayWorker
from api.gunicorn_config import *  # noqa: F403 - the same settings, whatever they are
from workers.settings.process import load_settings

_settings = load_settings()


def post_worker_init(worker: GatewayWorker) -> None:  # type: ignore[no-redef]  # instead of it
    """Hand a worker its limits before it accepts connections."""
    worker.request_seconds = _settings.upload_seconds
    worker.drain_seconds = 0
    worker.drain = worker.wsgi.extensions["drain"]
