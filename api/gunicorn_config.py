"""gunicorn's settings, read as `--config python:api.gunicorn_config`.

An event loop, not threads: a client that waits holds a connection and some memory; see
docs/adr/0024-one-thread-for-a-thousand-clients.md.
"""

import sys

from api.exposure import require_safe
from api.gateway_worker import GatewayWorker
from workers.errors import SettingsError
from workers.settings.process import load_settings

_settings = load_settings()
try:
    require_safe(_settings)
except SettingsError as error:
    sys.exit(f"facesocial: {error}")  # one line; gunicorn would print where it was raised

_host = f"[{_settings.host}]" if ":" in _settings.host else _settings.host
bind = f"{_host}:{_settings.port}"
workers = _settings.gateway_processes
worker_class = GatewayWorker
worker_connections = _settings.gateway_connections
#: The application is loaded after Python's blocking calls were replaced, in each worker.
preload_app = False
#: A worker whose loop has not turned for so long is killed.
timeout = 60
#: From the order to leave to the kill: the time to drain, then for requests under way. Who waits
#: is answered early, so what is left are uploads.
graceful_timeout = int(_settings.drain_seconds) + 30
#: Longer than clients keep idle connections, so that it is they who close them.
keepalive = 75
#: Files would be sent past the worker's limits.
sendfile = False
#: A second socket for commands: nobody here uses it.
control_socket_disable = True
#: What proxies say of a request is read by `api.client_address`, from trusted ones only. gunicorn
#: would believe everybody on this machine, also that the address begins elsewhere (SCRIPT_NAME).
secure_scheme_headers: dict[str, str] = {}
forwarder_headers = ""
limit_request_line = 4094
limit_request_fields = 64
limit_request_field_size = 8190
loglevel = _settings.log_level
accesslog = None


def post_worker_init(worker: GatewayWorker) -> None:
    """Hand a worker its limits before it accepts connections."""
    worker.request_seconds = _settings.upload_seconds
    worker.drain_seconds = _settings.drain_seconds
    # Not earlier: this file is read before the worker has replaced Python's blocking calls.
    from api.services import services_of  # noqa: PLC0415 - the reason is above

    worker.drain = services_of(worker.wsgi).drain
