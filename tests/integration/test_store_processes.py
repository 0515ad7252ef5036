"""The weight store in the hands of several real processes, some of which are killed."""

import hashlib
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from models.spec import PinnedFile, UrlSource
from models.weights.sources.url import UrlFetcher
from models.weights.store import State, WeightStore

CONTENT = hashlib.shake_256(b"net").digest(2_000_000)

#: What each child runs: pull one file as pinned in argument 2 into the store of argument 1.
CHILD = """
import sys
from pathlib import Path
from models.spec import PinnedFile
from models.weights.store import WeightStore
print(WeightStore(Path(sys.argv[1])).pull(PinnedFile.model_validate_json(sys.argv[2])))
"""


@dataclass
class Server:
    """Counts requests; sends half and waits while `stalled` is set."""

    url: str = ""
    requests: list[str] = field(default_factory=list)
    stalled: threading.Event = field(default_factory=threading.Event)
    half_sent: threading.Event = field(default_factory=threading.Event)


class Handler(BaseHTTPRequestHandler):
    state: Server

    def do_GET(self) -> None:
        self.state.requests.append(self.path)
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        half = len(CONTENT) // 2
        try:
            self.wfile.write(CONTENT[:half])
            self.state.half_sent.set()
            while self.state.stalled.is_set():
                time.sleep(0.01)
            self.wfile.write(CONTENT[half:])
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True  # The child was killed, as told.

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Keep quiet."""


@pytest.fixture
def server() -> Iterator[Server]:
    state = Server()
    handler = type("BoundHandler", (Handler,), {"state": state})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as http:
        state.url = f"http://127.0.0.1:{http.server_port}/net.onnx"
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield state
        state.stalled.clear()
        http.shutdown()
        thread.join()


def file_at(server: Server) -> PinnedFile:
    return PinnedFile(
        name="net.onnx",
        size_bytes=len(CONTENT),
        sha256=hashlib.sha256(CONTENT).hexdigest(),
        sources=(UrlSource(kind="url", urls=(server.url,)),),
    )


@pytest.fixture
def start_pull(
    root: Path, tmp_path: Path, server: Server
) -> Iterator[Callable[[], subprocess.Popen[str]]]:
    children: list[subprocess.Popen[str]] = []

    def start() -> subprocess.Popen[str]:
        command = [sys.executable, "-c", CHILD, str(tmp_path), file_at(server).model_dump_json()]
        child = subprocess.Popen(
            command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        children.append(child)
        return child

    yield start
    for child in children:
        child.kill()
        child.communicate()


def half_a_download(tmp_path: Path) -> bool:
    for path in (tmp_path / "tmp").rglob("*"):
        with suppress(FileNotFoundError):  # swept between the listing and this look
            if path.is_file() and path.stat().st_size > 0:
                return True
    return False


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "did not happen within 30 s"
        time.sleep(0.01)


def test_processes_that_pull_the_same_file_at_once_download_it_once(
    server: Server, tmp_path: Path, start_pull: Callable[[], subprocess.Popen[str]]
) -> None:
    server.stalled.set()
    children = [start_pull() for _ in range(4)]
    assert server.half_sent.wait(30)
    server.stalled.clear()

    answers = [child.communicate(timeout=60) for child in children]

    assert [child.returncode for child in children] == [0] * 4, answers
    assert len({out.splitlines()[-1] for out, _ in answers}) == 1
    assert server.requests == ["/net.onnx"]
    assert WeightStore(tmp_path).path(file_at(server)).read_bytes() == CONTENT


def test_after_a_kill_in_mid_transfer_the_next_pull_works_and_cleans_up(
    server: Server, tmp_path: Path, start_pull: Callable[[], subprocess.Popen[str]]
) -> None:
    server.stalled.set()
    killed = start_pull()
    wait_until(lambda: half_a_download(tmp_path))
    killed.kill()
    killed.wait()
    server.stalled.clear()

    store = WeightStore(tmp_path, fetchers={"url": UrlFetcher(sleep=lambda _: None)})
    state = store.state(file_at(server))
    path = store.pull(file_at(server))

    assert state is State.MISSING
    assert path.read_bytes() == CONTENT
    assert list((tmp_path / "tmp").iterdir()) == []


def test_a_process_that_waits_takes_over_when_the_one_at_work_is_killed(
    server: Server, tmp_path: Path, start_pull: Callable[[], subprocess.Popen[str]]
) -> None:
    server.stalled.set()
    first = start_pull()
    wait_until(lambda: half_a_download(tmp_path))
    second = start_pull()
    first.kill()
    server.stalled.clear()

    out, error = second.communicate(timeout=60)

    assert second.returncode == 0, error
    assert Path(out.splitlines()[-1]).read_bytes() == CONTENT
    assert list((tmp_path / "tmp").iterdir()) == []


def test_leftovers_of_other_files_are_swept_but_not_those_at_work(
    server: Server, tmp_path: Path, start_pull: Callable[[], subprocess.Popen[str]]
) -> None:
    stale = tmp_path / "tmp" / ("0" * 64 + ".abc")
    stale.mkdir(parents=True)
    (stale / "part").write_bytes(b"half")
    server.stalled.set()
    at_work = start_pull()
    wait_until(lambda: half_a_download(tmp_path) and not stale.exists())

    WeightStore(tmp_path)._layout.sweep()

    assert half_a_download(tmp_path)
    server.stalled.clear()
    _, error = at_work.communicate(timeout=60)
    assert at_work.returncode == 0, error


def test_several_processes_prepare_a_graph_once(root: Path, tmp_path: Path, server: Server) -> None:
    code = """
import json, sys, time
from pathlib import Path
from models.spec import ModelSpec
from models.weights.store import WeightStore
root = Path(sys.argv[1])
def prepare(original, spec):
    with (root / "calls").open("a") as calls:
        calls.write("x")
    time.sleep(0.3)
    return original[::-1]
print(WeightStore(root, prepare=prepare).prepared(ModelSpec.model_validate_json(sys.argv[2])))
"""
    WeightStore(tmp_path).pull(file_at(server))
    tensor = {"dtype": "float32", "dims": ["batch", 1]}
    spec = {
        "id": "net",
        "title": "Net",
        "task": "detection",
        "family": "yunet",
        "profile": "lite",
        "licence": "MIT",
        "commercial_use": True,
        "priority": "low",
        "file": file_at(server).model_dump(),
        "prepare": {"fold_dequantize": True},
        "inputs": {"x": tensor},
        "outputs": {"y": tensor},
    }
    command = [sys.executable, "-c", code, str(tmp_path), json.dumps(spec)]

    children = [
        subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) for _ in range(3)
    ]
    answers = [child.communicate(timeout=60)[0] for child in children]

    assert [child.returncode for child in children] == [0, 0, 0]
    assert len({answer.splitlines()[-1] for answer in answers}) == 1
    assert (tmp_path / "calls").read_text() == "x"
