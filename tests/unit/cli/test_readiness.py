import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from cli.launcher.ports import free_port
from cli.launcher.readiness import FileThere, HttpReady


class _Answering(BaseHTTPRequestHandler):
    """Answers with the status its path names."""

    def do_GET(self) -> None:
        self.send_response(int(self.path.rpartition("/")[2]))
        self.end_headers()

    def log_message(self, format: str, *_: object) -> None:  # noqa: A002 - the server's convention
        """Say nothing."""


@pytest.fixture
def url() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), _Answering) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(("status", "ready"), [(200, True), (404, False), (503, False)])
def test_only_200_is_ready(url: str, status: int, ready: bool) -> None:
    assert HttpReady(url=f"{url}/{status}")() is ready


def test_nobody_there_is_not_ready() -> None:
    assert not HttpReady(url=f"http://127.0.0.1:{free_port()}/")()


def test_a_proxy_of_the_environment_is_not_asked(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{free_port()}")

    assert HttpReady(url=f"{url}/200")()


def test_a_file_is_ready_once_it_is_there(tmp_path: Path) -> None:
    ready = FileThere(path=tmp_path / "heartbeat")

    before = ready()
    (tmp_path / "heartbeat").touch()

    assert (before, ready()) == (False, True)
