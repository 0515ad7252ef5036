"""Wheels from the Python package index the user's pip is set up for."""

import importlib.util
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from models.errors import SourceUnavailable
from models.spec import PypiSource
from models.weights.progress import Progress
from models.weights.sources.process import run_client


def find_pip(module: str = "pip") -> Sequence[str]:
    """The command that runs pip: our own interpreter's, else one on the path.

    Raises:
        SourceUnavailable: there is none; the message says how to get it.
    """
    if importlib.util.find_spec(module) is not None:
        return (sys.executable, "-m", module)
    # An environment made by uv has no pip. Any other does: only the file's bytes matter.
    for name in ("pip3", "pip"):
        if found := shutil.which(name):
            return (found,)
    raise SourceUnavailable(
        "pip is not installed: run `python -m ensurepip` or `uv pip install pip`"
    )


class PypiFetcher:
    """Downloads a pinned wheel with `pip download`, so the user's own pip settings apply."""

    def __init__(self, *, pip: Callable[[], Sequence[str]] = find_pip) -> None:
        self._pip = pip

    def fetch(self, source: PypiSource, folder: Path, limit_bytes: int, progress: Progress) -> Path:
        """Download the wheel. Source distributions are refused: pip would run their code."""
        pinned = f"{source.distribution}=={source.version}"
        download_wheel(self._pip(), pinned, folder, limit_bytes=limit_bytes, progress=progress)
        wheels = sorted(folder.glob("*.whl"))
        if len(wheels) != 1:
            raise SourceUnavailable(f"pip left {len(wheels)} wheels for {pinned}")
        return wheels[0]


def download_wheel(
    pip: Sequence[str], requirement: str, folder: Path, *, limit_bytes: int, progress: Progress
) -> None:
    """Download one wheel into a folder, without its dependencies, for this platform.

    Raises:
        SourceUnavailable: pip failed.
        StoreFull: the disk has no room.
    """
    command = [
        *pip,
        "download",
        "--quiet",
        "--no-input",
        "--disable-pip-version-check",
        "--no-deps",
        "--only-binary=:all:",
        # Nothing is installed, so which Pythons the package supports is no matter.
        "--ignore-requires-python",
        "--dest",
        str(folder),
        requirement,
    ]
    run_client("pip", command, folder, progress, limit_bytes=limit_bytes)
