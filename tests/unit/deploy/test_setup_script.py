"""scripts/setup.sh makes an environment once, and makes a broken one anew.

In a tree with an empty lock file. Python is the real one; only its environments get a pip that
notes what it is asked for, so nothing is downloaded.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.unit.deploy.setup_tree import PIP, Tree

TOOLS = ("sh", "cp", "find", "ls", "rm", "sleep", "touch")
WHOLE = "cp -r made/pip .venv/lib/python*/site-packages/"
OTHER = 'case "$*" in *base_prefix*) echo 3 99 /elsewhere; exit ;; esac\n'


@pytest.fixture
def tree(root: Path, tmp_path: Path) -> Tree:
    for name in ("bin", "scripts", "requirements", "made/pip"):
        (tmp_path / name).mkdir(parents=True)
    shutil.copy(root / "scripts" / "setup.sh", tmp_path / "scripts")
    (tmp_path / "pyproject.toml").touch()
    for lock in ("dev.txt", "dev-gpu.txt", "dev-gpu-cu13.txt"):
        (tmp_path / "requirements" / lock).touch()
    (tmp_path / "made" / "pip" / "__main__.py").write_text(PIP)
    for tool in TOOLS:
        found = shutil.which(tool)
        assert found is not None
        (tmp_path / "bin" / tool).symlink_to(found)
    tree = Tree(root=tmp_path)
    tree.python("python3", WHOLE)
    return tree


def test_a_new_environment_gets_the_lock_and_the_project(tree: Tree) -> None:
    status, output = tree.run()

    assert (status, output) == (0, "Installing requirements/dev.txt into .venv ...\n")
    assert ["--requirement requirements/dev.txt" in line for line in tree.asked] == [True, False]
    assert tree.asked[1].endswith("--editable .")
    assert (tree.venv / ".installed-cpu").exists()


def test_a_second_run_changes_nothing(tree: Tree) -> None:
    tree.run()
    before = tree.asked

    assert tree.run() == (0, "")
    assert tree.run(python="python3") == (0, "")
    assert tree.asked == before


def test_a_newer_lock_is_installed_into_the_same_environment(tree: Tree) -> None:
    tree.run()
    (tree.venv / "kept").touch()
    later = time.time() + 60
    os.utime(tree.root / "requirements" / "dev.txt", (later, later))

    assert tree.run()[0] == 0
    assert len(tree.asked) == 4
    assert (tree.venv / "kept").exists()


def test_an_environment_that_could_not_be_made_leaves_nothing_behind(tree: Tree) -> None:
    tree.python("python3", "exit 1")

    status, output = tree.run()

    assert status == 2
    assert "apt install python3-venv" in output
    assert not tree.venv.exists()
    tree.python("python3", WHOLE)
    assert tree.run()[0] == 0


def test_an_interrupted_run_leaves_nothing_behind(tree: Tree) -> None:
    tree.python("python3", "sleep 60")
    with tree.start() as process:
        deadline = time.monotonic() + 30
        while not (tree.venv / "bin" / "activate").exists() and time.monotonic() < deadline:
            time.sleep(0.02)

        os.killpg(process.pid, signal.SIGINT)
        process.communicate(timeout=30)

    assert process.returncode == 130
    assert not tree.venv.exists()


def test_an_environment_without_pip_is_made_anew(tree: Tree) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tree.venv], check=True)

    status, output = tree.run()

    assert status == 0
    assert output.startswith("Making .venv anew: it has no working pip.\n")
    assert len(tree.asked) == 2


def test_uv_needs_no_pip_in_the_environment(tree: Tree) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tree.venv], check=True)
    tree.program("uv", '#!/bin/sh\necho "$@" >> asked.txt\n')

    assert tree.run() == (0, "Installing requirements/dev.txt into .venv ...\n")
    assert len(tree.asked) == 2


@pytest.mark.parametrize("with_uv", [False, True])
@pytest.mark.parametrize(
    ("before", "installed", "runtime"),
    [
        ("cpu", "onnxruntime", "gpu"),
        ("gpu-cu13", "onnxruntime-gpu", "cpu"),
        ("gpu", "nvidia-cudnn-cu12", "gpu-cu13"),
        ("gpu-cu13", "nvidia-cudnn-cu13", "gpu"),
    ],
)
def test_the_runtime_that_is_not_wanted_goes_before_the_other_comes(
    tree: Tree, before: str, installed: str, runtime: str, *, with_uv: bool
) -> None:
    if with_uv:
        tree.program("uv", '#!/bin/sh\necho "$@" >> asked.txt\n')
    tree.run(runtime=before)
    _install(tree, installed)

    status, output = tree.run(runtime=runtime)

    assert status == 0
    assert output.startswith(f"Removing {installed} from .venv ...\n")
    removal, install, _ = tree.asked[2:]
    assert "uninstall" in removal
    assert removal.endswith("onnxruntime onnxruntime-gpu nvidia-cudnn-cu12 nvidia-cudnn-cu13")
    assert "--requirement requirements/dev" in install
    assert [path.name for path in tree.venv.glob(".installed-*")] == [f".installed-{runtime}"]


@pytest.mark.parametrize(
    ("before", "installed", "runtime"),
    [("cpu", "onnxruntime", "cpu"), ("gpu", "onnxruntime-gpu", "gpu-cu13")],
)
def test_a_runtime_of_the_same_name_is_replaced_by_its_installation(
    tree: Tree, before: str, installed: str, runtime: str
) -> None:
    tree.run(runtime=before)
    _install(tree, installed)
    (tree.venv / f".installed-{before}").unlink()

    status, output = tree.run(runtime=runtime)

    assert status == 0
    assert "Removing" not in output
    assert len(tree.asked) == 4


def _install(tree: Tree, name: str) -> None:
    """As much of a distribution as says that it is there."""
    (packages,) = tree.venv.glob("lib/python*/site-packages")
    folder = packages / f"{name.replace('-', '_')}-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")


def _planned(root: Path, tree: Tree, *options: str) -> str:
    """What `make up` would do, which wants the environment too."""
    shutil.copy(root / "Makefile", tree.root)
    make = ["make", "--no-print-directory", "--dry-run", *options, "up"]
    path = {"PATH": os.defpath}
    return subprocess.run(
        make, cwd=tree.root, env=path, capture_output=True, text=True, check=True
    ).stdout


@pytest.mark.parametrize("runtime", ["cpu", "gpu", "gpu-cu13"])
def test_make_keeps_the_runtime_that_is_installed(root: Path, tree: Tree, runtime: str) -> None:
    assert "RUNTIME=cpu sh scripts/setup.sh" in _planned(root, tree)
    tree.run(runtime=runtime)

    assert f"RUNTIME={runtime} sh scripts/setup.sh" in _planned(root, tree, "--always-make")


def test_an_installation_that_broke_off_is_taken_up_again_with_its_runtime(
    root: Path, tree: Tree
) -> None:
    tree.run(runtime="cpu")
    [pip] = tree.venv.glob("lib/python*/site-packages/pip/__main__.py")
    pip.write_text("import sys; sys.exit('--version' not in sys.argv)")

    assert tree.run(runtime="gpu")[0] == 1
    assert "RUNTIME=gpu sh scripts/setup.sh" in _planned(root, tree)
    pip.write_text(PIP)
    assert tree.run(runtime="gpu")[0] == 0
    assert "RUNTIME=gpu" not in _planned(root, tree)


def test_an_environment_whose_python_is_gone_is_made_anew(tree: Tree) -> None:
    tree.run()
    (tree.venv / "bin" / "python").unlink()

    status, output = tree.run()

    assert status == 0
    assert output.startswith("Making .venv anew: its Python does not start.\n")
    assert len(tree.asked) == 4


def test_another_python_than_the_environment_s_makes_it_anew_and_says_so(tree: Tree) -> None:
    tree.run()
    other = tree.python("python3.99", WHOLE, first=OTHER)

    status, output = tree.run(python=other)

    assert status == 0
    expected = f"Making .venv anew: it was made with another Python than {other}.\n"
    assert output.startswith(expected)
    assert len(tree.asked) == 4


def test_a_python_that_is_not_there_is_named_and_the_environment_kept(tree: Tree) -> None:
    tree.run()

    status, output = tree.run(python="python3.98")

    assert status == 2
    assert "'python3.98' is older or missing" in output
    assert (tree.venv / ".installed-cpu").exists()


def test_a_folder_that_is_no_environment_is_left_alone(tree: Tree) -> None:
    tree.venv.mkdir()
    (tree.venv / "thesis.txt").touch()

    status, output = tree.run()

    assert status == 2
    assert "is no virtual environment" in output
    assert (tree.venv / "thesis.txt").exists()
