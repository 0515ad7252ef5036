"""The Dockerfiles: linted, and made only of packages that exist."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

DOCKERFILES = ("Dockerfile.api", "Dockerfile.worker")


def instructions(path: Path) -> list[str]:
    """Instructions with continued lines joined, without comments."""
    lines = [line for line in path.read_text().splitlines() if not line.lstrip().startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    return [line.strip() for line in joined.splitlines() if line.strip()]


@pytest.mark.parametrize("name", DOCKERFILES)
def test_the_linter_finds_nothing(name: str, root: Path) -> None:
    hadolint = Path(sys.executable).parent / "hadolint"
    result = subprocess.run(
        [hadolint, "--config", root / ".hadolint.yaml", root / name],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (result.returncode, result.stdout) == (0, "")


@pytest.mark.parametrize("name", DOCKERFILES)
def test_images_run_as_a_user_without_rights(name: str, root: Path) -> None:
    last_stage = instructions(root / name)
    last_stage = last_stage[max(i for i, line in enumerate(last_stage) if line[:5] == "FROM ") :]

    assert [line for line in last_stage if line.startswith("USER ")] == ["USER 10001:10001"]
    assert any(line.startswith("HEALTHCHECK ") for line in last_stage)


@pytest.mark.parametrize("name", DOCKERFILES)
def test_python_packages_come_from_locks_with_hashes_or_from_this_checkout(
    name: str, root: Path
) -> None:
    text = " ".join(instructions(root / name))
    installs = re.findall(r"pip (?:--python \S+ )?install (.*?)(?= && | [A-Z]{3,} )", text)

    assert len(installs) == 3
    for arguments in installs:
        locked = "--require-hashes -r " in arguments
        own_wheel = "--no-index /tmp/dist/*.whl" in arguments
        assert locked or own_wheel, arguments
        assert "--no-deps" in arguments


@pytest.mark.parametrize("name", DOCKERFILES)
def test_images_copy_only_what_exists_and_what_the_context_holds(name: str, root: Path) -> None:
    kept = {
        line[1:] for line in (root / ".dockerignore").read_text().splitlines() if line[:1] == "!"
    }
    copies = [line.split()[1:-1] for line in instructions(root / name) if line.startswith("COPY ")]
    sources = [source for copy in copies if not copy[0].startswith("--") for source in copy]

    assert sources
    for source in sources:
        for variant in ("cpu", "gpu"):
            path = source.replace("${VARIANT}", variant)
            assert (root / path).exists(), path
            folder = str(Path(path).parent)
            assert path in kept or f"{folder}/*{Path(path).suffix}" in kept, path


def test_every_package_of_the_project_is_in_every_image(root: Path) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text())
    packages = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]

    for name in DOCKERFILES:
        copied = instructions(root / name)
        assert [f"COPY {package} {package}" in copied for package in packages] == [True] * 6


def test_system_packages_exist(root: Path) -> None:
    # Asked of this machine's Debian. Ubuntu 22.04 takes these names from it; that they are there is
    # proven only when the image is built.
    if not shutil.which("apt-cache"):
        pytest.skip("needs apt to look package names up")
    text = " ".join(instructions(root / "Dockerfile.worker"))
    found = re.search(r"--no-install-recommends(.*?)&&", text)
    assert found
    names = found.group(1).split()
    policy = subprocess.run(
        ["apt-cache", "policy", *names, "libc6"], capture_output=True, text=True, check=True
    ).stdout
    known = re.findall(r"^(\S+):\n(?:.*\n)? +Candidate: (?!\(none\))", policy, re.MULTILINE)
    if "libc6" not in known:
        pytest.skip("needs apt's package lists: run `apt-get update`")

    assert sorted(names) == sorted(set(known) - {"libc6"})
