"""The repository is what its documents say: names, sizes, ports, layering."""

import ast
import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.ports import PORTS

PACKAGES = ("api", "workers", "vram", "models", "client", "cli")
MOST_LINES = 300


@pytest.mark.parametrize("name", PACKAGES)
def test_a_package_s_name_means_the_one_in_this_checkout(root: Path, name: str) -> None:
    spec = importlib.util.find_spec(name)

    assert spec is not None
    assert spec.origin == str(root / name / "__init__.py")


@pytest.mark.parametrize("name", PACKAGES)
def test_no_source_is_ignored_by_git(root: Path, name: str) -> None:
    found = subprocess.run(
        ["git", "check-ignore", *(str(path) for path in (root / name).rglob("*.py"))],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )

    assert found.stdout == ""


def test_no_module_is_longer_than_a_reader_s_patience(root: Path) -> None:
    sources = [
        path for name in (*PACKAGES, "tests", "benchmarks") for path in _sources(root / name)
    ]
    long = {
        str(path.relative_to(root)): lines
        for path in sources
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > MOST_LINES
    }

    assert long == {}


def test_there_is_no_package_for_leftovers(root: Path) -> None:
    banned = {"utils", "util", "common", "helpers", "helper", "manager", "misc", "core"}
    found = [path for name in PACKAGES for path in _sources(root / name) if path.stem in banned]

    assert found == []


def test_tests_are_no_packages(root: Path) -> None:
    # One alone makes pytest take `api` for a test package.
    assert list((root / "tests").rglob("__init__.py")) == []


@pytest.mark.parametrize("port", PORTS)
def test_every_port_has_two_implementations_in_one_suite(root: Path, port: str) -> None:
    implementations, suite = PORTS[port]
    text = (root / suite).read_text(encoding="utf-8")

    for path in implementations:
        module, _, name = path.rpartition(".")
        source = importlib.util.find_spec(module)
        assert source is not None
        assert source.origin is not None
        tree = ast.parse(Path(source.origin).read_text(encoding="utf-8"))
        assert name in {node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}
        # A suite may build one through the function that opens it.
        assert name in text or module in text


def test_every_protocol_of_stores_and_queues_is_listed_as_a_port(root: Path) -> None:
    found = {
        ".".join((*path.relative_to(root).with_suffix("").parts, node.name))
        for name in ("api", "workers", "vram")
        for path in _sources(root / name)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef)
        and any(isinstance(base, ast.Name) and base.id == "Protocol" for base in node.bases)
    }
    #: Narrow views of one thing, implemented once beside their user.
    views = {
        "api.accounts.callers.Sessions",
        "api.accounts.mail.MailSender",
        "api.batches.zip_directory.RandomAccess",
        "api.enrollments.assignment.Admission",
        "api.enrollments.assignment.Request",
        "api.live.analysis.FrameDesk",
        "api.live.connection.Channel",
        "api.live.connection.Session",
        "api.live.connection.Transport",
        "api.resumable.tus._Digest",
        "api.webhooks.sending.Poster",
        "api.whole_body.Readable",
        "workers.breaker.BothPipeline",
        "workers.chunks.enrolling.Enroller",
        "workers.chunks.feed.Router",
        "workers.chunks.work.Feeder",
        "workers.identities.decision.Similar",
        "workers.identities.enroller.ImageKeeper",
        "workers.identities.index.follower.VectorSource",
        "workers.identities.reembed_photos.ImageReader",
        "workers.index_places.Holder",
        "workers.devices.ladder.Surroundings",
        "workers.devices.ladder.WarmedSession",
        "workers.devices.loaded.ModelsOnDevice",
        "workers.naming.Namer",
        "workers.photos.photo.PhotoPipeline",
        "workers.runner.Pipeline",
        "workers.devices.shortages.Unloads",
        "workers.stages.stage.Stage",
        "workers.videos.naming.TrackNamer",
        "workers.videos.naming.VideoNamer",
        "workers.work.Work",
    }

    assert found - views == {name for name in PORTS if not name.startswith("models.")}


def test_the_gateway_starts_without_inference_libraries(root: Path) -> None:
    code = (
        "import sys, api.wsgi, api.gunicorn_config;"
        "print(sorted({'onnxruntime', 'onnx', 'numpy', 'cv2', 'pynvml'} & set(sys.modules)))"
    )

    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=root,
        # Without a secret the gateway would refuse to start.
        env={"FACESOCIAL_GATEWAY_SECRET": "s" * 32},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.stdout.strip(), done.stderr) == ("[]", "")


def test_beat_and_monitor_start_without_inference_libraries(root: Path) -> None:
    code = (
        "import sys, workers.app;"
        "print(sorted({'onnxruntime', 'onnx', 'numpy', 'cv2', 'pynvml'} & set(sys.modules)))"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=False
    )

    assert (done.stdout.strip(), done.stderr) == ("[]", "")


def _sources(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*.py") if "__pycache__" not in path.parts]
