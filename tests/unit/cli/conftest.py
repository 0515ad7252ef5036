"""Commands run against a gateway on loopback that answers from a script."""

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner, Result
from werkzeug import Request, Response

from cli.main import app
from client.testing import ScriptedGateway
from tests.unit.cli.loopback import served


@pytest.fixture
def scripted() -> ScriptedGateway:
    """What the gateway will answer, and what it was asked."""
    return ScriptedGateway()


@pytest.fixture
def scripted_url(scripted: ScriptedGateway) -> Iterator[str]:
    """Where it listens."""

    @Request.application
    def _answer(request: Request) -> Response:
        asked = httpx.Request(
            request.method, request.url, headers=list(request.headers), content=request.get_data()
        )
        told = scripted(asked)
        kind = told.headers.get("Content-Type")
        return Response(told.content, status=told.status_code, content_type=kind)

    with served(_answer) as url:
        yield url


@pytest.fixture
def command(scripted_url: str, tmp_path: Path) -> Callable[..., Result]:
    """Runs `facesocial …` against the scripted gateway; `typed` is what somebody answers."""

    def _command(*arguments: str, typed: str = "") -> Result:
        environment = {
            "XDG_CONFIG_HOME": str(tmp_path / "config"),
            "FACESOCIAL_DATA_DIR": str(tmp_path / "data"),
            "FACESOCIAL_CLIENT_KEY": "fs_live_test",
        }
        whole = [*arguments, "--gateway", scripted_url]
        return CliRunner().invoke(app, whole, input=typed, env=environment)

    return _command
