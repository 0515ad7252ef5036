"""Gateways on loopback for commands to talk to, each in a thread of its own."""

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import fakeredis
from pydantic import SecretStr
from werkzeug.serving import make_server

from api.app import create_app
from api.testing import memory_parts
from workers.settings.process import Settings

#: The development key of `keyed_gateway`.
OWN_KEY = "fs_dev_" + "k" * 32


@contextmanager
def served(app: Callable[[dict[str, Any], Any], Iterable[bytes]]) -> Iterator[str]:
    """Where an application answers until the end of the block."""
    serving = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=serving.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{serving.server_port}"
    finally:
        serving.shutdown()
        thread.join()
        serving.server_close()


@contextmanager
def keyed_gateway() -> Iterator[str]:
    """Where a gateway with routes and a store of its own answers, whose key is OWN_KEY."""
    settings = Settings(development_key=SecretStr(OWN_KEY), access_log=False)
    server = fakeredis.FakeServer(version=(7, 2))
    with (
        fakeredis.FakeRedis(server=server, decode_responses=True) as client,
        served(create_app(memory_parts(settings, client))) as url,
    ):
        yield url
