"""The repository is what its documents say: names, sizes, ports, layering."""

import ast
import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGES = ("api", "workers", "vram", "models", "cli")
MOST_LINES = 300

#: Every port, its implementations, and the suite all of them pass.
PORTS = {
    "workers.jobs.JobStore": (
        ("workers.memory_jobs.MemoryJobs", "workers.redis_jobs.RedisJobs"),
        "tests/contract/test_job_store.py",
    ),
    "workers.jobs.JobWatch": (
        ("workers.memory_jobs.MemoryJobs", "workers.redis_watch.RedisJobWatch"),
        "tests/contract/test_job_watch.py",
    ),
    "workers.dispatch.JobQueue": (
        ("workers.dispatch.MemoryJobQueue", "workers.dispatch.CeleryJobQueue"),
        "tests/contract/test_job_queue.py",
    ),
    "workers.blobs.BlobStore": (
        ("workers.blobs.MemoryBlobs", "workers.obstore_blobs.ObstoreBlobs"),
        "tests/contract/test_blob_store.py",
    ),
    "vram.ledger.VramLedger": (
        # One implementation on two stores: an imitation in the process and a real server.
        ("vram.redis_ledger.RedisLedger",),
        "tests/contract/ledger/desk.py",
    ),
    "vram.fleet.Fleet": (
        # The same.
        ("vram.redis_fleet.RedisFleet",),
        "tests/contract/fleet/conftest.py",
    ),
    "vram.probe.MemoryProbe": (
        ("vram.probe.SimulatedProbe", "vram.probe.FixedProbe", "vram.nvml.NvmlProbe"),
        "tests/contract/test_memory_probe.py",
    ),
    "models.contract.InferenceSession": (
        (
            "models.testing.ScriptedSession",
            "models.session.OnnxSession",
            "models.litert.LiteRtSession",
        ),
        "tests/contract/test_session.py",
    ),
}


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
        f"{path.parent.name}.{path.stem}.{node.name}"
        for name in ("workers", "vram")
        for path in _sources(root / name)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef)
        and any(isinstance(base, ast.Name) and base.id == "Protocol" for base in node.bases)
    }
    #: Narrow views of one thing, implemented once beside their user.
    views = {
        "workers.ladder.Surroundings",
        "workers.ladder.WarmedSession",
        "workers.loaded.ModelsOnDevice",
        "workers.runner.Pipeline",
        "workers.shortages.Unloads",
        "stages.stage.Stage",
    }

    assert found - views == set(PORTS) - {"models.contract.InferenceSession"}


def test_the_gateway_starts_without_inference_libraries(root: Path) -> None:
    code = (
        "import sys, api.wsgi, api.gunicorn_config;"
        "print(sorted({'onnxruntime', 'onnx', 'numpy', 'cv2', 'pynvml'} & set(sys.modules)))"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=False
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
