"""The lock files hold what pyproject.toml asks for. Compared here without asking any registry."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

#: Extras and groups of each file, as in requirements/lock.sh.
LOCKS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "dev.txt": (("local", "cpu"), ("dev",)),
    "api.txt": (("api", "cli", "monitor"), ()),
    "worker-cpu.txt": (("cpu",), ()),
    "worker-gpu.txt": (("gpu",), ()),
    "worker-gpu-cu13.txt": (("gpu-cu13",), ()),
}
INFERENCE = {"numpy", "onnx", "onnxruntime", "onnxruntime-gpu", "opencv-python-headless"}


@pytest.fixture(scope="module")
def project(root: Path) -> dict[str, Any]:
    return tomllib.loads((root / "pyproject.toml").read_text())


def asked(project: dict[str, Any], lock: str) -> list[Requirement]:
    """Direct requirements of a lock, with our own extras unfolded."""
    extras, groups = LOCKS[lock]
    lines = [*project["project"]["dependencies"]]
    lines += [line for group in groups for line in project["dependency-groups"][group]]
    waiting = list(extras)
    while waiting:
        for line in project["project"]["optional-dependencies"][waiting.pop()]:
            requirement = Requirement(line)
            if requirement.name == "facesocial":
                waiting += requirement.extras
            else:
                lines.append(line)
    return [Requirement(line) for line in lines]


def entries(path: Path) -> list[str]:
    """One string per pinned package, its hashes included."""
    return re.split(r"\n(?=\S)", path.read_text().strip())


def pinned(path: Path) -> dict[str, str]:
    """Version per package that applies here."""
    found: dict[str, str] = {}
    for entry in entries(path):
        head, _, marker = entry.split(" \\\n")[0].partition(" ; ")
        name, _, version = head.partition("==")
        if not marker or Marker(marker).evaluate():
            found[canonicalize_name(name)] = version
    return found


@pytest.mark.parametrize("lock", LOCKS)
def test_each_requirement_is_met_by_the_pinned_version(
    lock: str, root: Path, project: dict[str, Any]
) -> None:
    versions = pinned(root / "requirements" / lock)

    for requirement in asked(project, lock):
        version = versions.get(canonicalize_name(requirement.name))
        assert version, f"{requirement} is missing: run requirements/lock.sh"
        assert requirement.specifier.contains(version), f"{requirement} against {version}"


@pytest.mark.parametrize("lock", [*LOCKS, "build.txt"])
def test_each_entry_is_one_version_with_hashes_and_no_address(lock: str, root: Path) -> None:
    path = root / "requirements" / lock

    for entry in entries(path):
        assert re.match(r"[a-z0-9][a-z0-9._-]*==\S+( ; .+)? \\\n", entry), entry[:80]
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", entry), entry[:80]
    assert "://" not in path.read_text()
    assert "--index" not in path.read_text()


def test_the_gateways_image_has_no_inference_library(root: Path) -> None:
    assert not INFERENCE & pinned(root / "requirements" / "api.txt").keys()


@pytest.mark.parametrize(
    ("lock", "runtime"),
    [
        ("worker-cpu.txt", "onnxruntime"),
        ("worker-gpu.txt", "onnxruntime-gpu"),
        ("worker-gpu-cu13.txt", "onnxruntime-gpu"),
    ],
)
def test_a_worker_has_exactly_one_inference_runtime(lock: str, runtime: str, root: Path) -> None:
    names = pinned(root / "requirements" / lock).keys()

    assert {name for name in names if name.startswith("onnxruntime")} == {runtime}


@pytest.mark.parametrize("lock", ["dev-gpu.txt", "worker-gpu.txt"])
def test_the_runtime_for_cuda_12_comes_with_what_its_quantisation_imports(
    lock: str, root: Path
) -> None:
    assert "sympy" in pinned(root / "requirements" / lock)


def test_the_gpu_image_takes_cuda_from_its_base(root: Path) -> None:
    names = pinned(root / "requirements" / "worker-gpu.txt").keys()

    assert [name for name in names if name.startswith("nvidia-")] == ["nvidia-ml-py"]


def test_the_exclusive_runtimes_are_declared(project: dict[str, Any]) -> None:
    (conflict,) = project["tool"]["uv"]["conflicts"]

    assert [side["extra"] for side in conflict] == ["cpu", "gpu", "gpu-cu13"]


def test_the_images_build_with_the_tested_build_backend(
    root: Path, project: dict[str, Any]
) -> None:
    (backend,) = project["build-system"]["requires"]
    build = pinned(root / "requirements" / "build.txt")
    dev = pinned(root / "requirements" / "dev.txt")

    assert build[backend] == dev[backend]
