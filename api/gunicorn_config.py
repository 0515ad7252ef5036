"""gunicorn's settings, read as `--config python:api.gunicorn_config`.

Threads, not an event loop: a request blocks in the blob store and the job store, and a waiting
client holds one thread.
"""

from api.gateway_worker import GatewayWorker
from workers.settings import load_settings

_settings = load_settings()

_host = f"[{_settings.host}]" if ":" in _settings.host else _settings.host
bind = f"{_host}:{_settings.port}"
workers = _settings.gateway_processes
worker_class = GatewayWorker
threads = _settings.gateway_threads
#: Longer than the longest wait a client may ask for.
timeout = int(_settings.max_wait_seconds) + 30
graceful_timeout = int(_settings.max_wait_seconds) + 5
#: Longer than clients keep idle connections, so that it is they who close them. An idle connection
#: holds no thread.
keepalive = 75
#: A second socket for commands: nobody here uses it.
control_socket_disable = True
limit_request_line = 4094
limit_request_fields = 64
limit_request_field_size = 8190
loglevel = _settings.log_level
accesslog = None


def post_worker_init(worker: GatewayWorker) -> None:
    """Hand a worker its limit before it accepts connections."""
    worker.request_seconds = _settings.upload_seconds
