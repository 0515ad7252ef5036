"""Which gateway the commands talk to, and who they say they are."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import httpx
import psutil
import typer

from cli.launcher.data_dir import DataDir
from cli.launcher.run_files import read_run_file
from cli.stored_logins import StoredLogins
from client import Client, Retries
from workers.settings.process import Settings, load_settings

#: Name of the data folder's secret that `facesocial up` hands to its gateway as development key.
DEVELOPMENT_KEY_SECRET = "development-key"  # noqa: S105 - a file's name

#: Somebody waits at a terminal: a gateway that is not there is told within seconds.
PATIENCE = Retries(attempts=3)

GatewayUrl = Annotated[
    str | None,
    typer.Option("--gateway", metavar="URL", help="The gateway.", show_default="on this machine"),
]


@contextmanager
def connected(url: str | None) -> Iterator[Client]:
    """A client of the gateway at a URL, or of the one that runs on this machine.

    It sends the key of the setting `client_key`, else the login made for that gateway, else, for
    the gateway that `facesocial up` runs on this data folder, its development key.
    """
    settings = load_settings()
    chosen = gateway_at(url)
    with Client(
        chosen, key=_key_for(chosen, settings), transport=_transport(), retries=PATIENCE
    ) as client:
        yield client


@contextmanager
def unknown_to(url: str) -> Iterator[Client]:
    """A client of the gateway at a URL that sends no credential."""
    with Client(url, transport=_transport(), retries=PATIENCE) as client:
        yield client


def gateway_at(url: str | None) -> str:
    """Address of the gateway that is meant: the one that was named, or that of this machine."""
    return (url or local_gateway(load_settings())).rstrip("/")


def _transport() -> httpx.HTTPTransport:
    # Not through a proxy: it is a machine of ours we ask.
    return httpx.HTTPTransport(trust_env=False)


def local_gateway(settings: Settings) -> str:
    """The gateway that `facesocial up` runs on the same data folder, else that of the settings."""
    return _announced(settings) or f"http://{settings.host}:{settings.port}"


def _announced(settings: Settings) -> str | None:
    told = read_run_file(DataDir(root=settings.data_dir).run / "up.json")
    pid, url = told.get("pid"), told.get("gateway")
    running = isinstance(pid, int) and psutil.pid_exists(pid)
    return url if running and isinstance(url, str) else None


def _key_for(url: str, settings: Settings) -> str | None:
    if settings.client_key is not None:
        return settings.client_key.get_secret_value()
    with unknown_to(url) as client:
        if token := StoredLogins().access_token(url, client):
            return token
    # A secret of this machine goes to no other one.
    if url.rstrip("/") == _announced(settings):
        if settings.development_key is not None:
            return settings.development_key.get_secret_value()
        path = DataDir(root=settings.data_dir).run / f"{DEVELOPMENT_KEY_SECRET}.secret"
        if path.is_file():
            return path.read_text(encoding="utf-8").strip()
    return None
