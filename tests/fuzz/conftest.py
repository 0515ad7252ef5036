"""The whole gateway behind a real port, and how long it is tried out."""

import dataclasses
import logging
import secrets
import threading
from collections.abc import Iterable, Iterator
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import fakeredis
import pytest
import structlog
from flask import Flask
from pydantic import SecretStr
from werkzeug.serving import make_server
from werkzeug.wsgi import get_input_stream

from api.app import create_app
from api.testing import memory_parts
from vram.records import Device
from vram.redis_ledger import RedisLedger
from workers.settings.process import Settings

DEVICE_ID = "host/sim:6144"
#: What every request carries; it gives every right.
KEY = "fs_live_development_key_of_these_tests"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fuzz-examples", type=int, default=2, help="Requests made up per operation.")
    parser.addoption("--fuzz-seed", type=int, default=1, help="Where they start.")
    parser.addoption("--fuzz-all", action="store_true", help="Second addresses of views, too.")


@pytest.fixture(scope="module")
def app() -> Flask:
    settings = Settings(
        development_key=SecretStr(KEY),
        gateway_secret=SecretStr(secrets.token_hex()),
        access_log=False,
        # Nobody does the jobs: nothing comes of waiting for them, and they are never too many.
        max_wait_seconds=0,
        max_waiting_jobs=1_000_000,
        mail_sender="console",
    )
    client = fakeredis.FakeRedis(decode_responses=True)
    # A device whose worker is never silent: wishes about models have an address.
    ledger = RedisLedger(client, silent_seconds=86_400)
    ledger.register(_device(ledger.next_incarnation(DEVICE_ID)))
    return create_app(dataclasses.replace(memory_parts(settings, client), ledger=ledger))


def _device(incarnation: int) -> Device:
    return Device(
        id=DEVICE_ID,
        kind="simulated",
        name="a card",
        host="host",
        total_mib=6144,
        reserved_mib=200,
        context_mib=450,
        headroom_mib=256,
        verified=True,
        incarnation=incarnation,
    )


@pytest.fixture(scope="module")
def address(app: Flask) -> Iterator[str]:
    """Of the app behind Werkzeug's server.

    Schemathesis has an in-process transport too; its engine hands that one arguments it doesn't
    take (4.32).
    """
    logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
    # Thousands of lines otherwise, should the test fail.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    server = make_server("127.0.0.1", 0, _ended(app), threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _ended(app: WSGIApplication) -> WSGIApplication:
    """The same with bodies that end, as gunicorn's do; Werkzeug's server hands out the socket."""

    def call(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        environ["wsgi.input"] = get_input_stream(environ)
        environ["wsgi.input_terminated"] = True
        return app(environ, start_response)

    return call


@pytest.fixture(scope="module")
def key() -> str:
    return KEY
