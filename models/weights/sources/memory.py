"""A source of files that needs no network: what the tests of everything above it use."""

import hashlib
import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from models.errors import SourceUnavailable
from models.spec import NpmSource, PinnedFile, PypiSource, Source, UrlSource
from models.weights.progress import Progress


class MemoryFetcher:
    """Serves downloads from a mapping and remembers what was asked for."""

    def __init__(self, downloads: Mapping[str, bytes | OSError]) -> None:
        """Serve these.

        Args:
            downloads: By "name==version" for packages, by address for URLs. An OSError is raised
                in mid-transfer, as a disk would.
        """
        self._downloads = downloads
        #: Keys in the order they were asked for.
        self.asked: list[str] = []

    def fetch(self, source: Any, folder: Path, limit_bytes: int, progress: Progress) -> Path:  # noqa: ANN401 - the port's
        """Write the bytes registered for the source into the folder."""
        for key in _keys(source):
            self.asked.append(key)
            content = self._downloads.get(key)
            if content is None:
                continue
            path = folder / "download"
            if isinstance(content, OSError):
                path.write_bytes(b"half of")
                raise content
            if len(content) > limit_bytes:
                raise SourceUnavailable(f"{key} has more than {limit_bytes} bytes")
            path.write_bytes(content)
            progress.update(len(content))
            return path
        raise SourceUnavailable("there is no such download")


def _keys(source: Any) -> tuple[str, ...]:  # noqa: ANN401 - any source of the catalogue
    match source.kind:
        case "pypi":
            return (f"{source.distribution}=={source.version}",)
        case "npm":
            return (f"{source.package}=={source.version}",)
        case _:
            return tuple(source.urls)


#: Sources of the files that `pinned` makes: two members of one wheel, a mirror, a tarball.
WHEEL = PypiSource(kind="pypi", distribution="nets", version="1.0", member="nets/a.onnx")
WHEEL_OTHER = PypiSource(kind="pypi", distribution="nets", version="1.0", member="nets/b.onnx")
MIRROR = UrlSource(kind="url", urls=("https://mirror.test/a.onnx",))
TARBALL = NpmSource(kind="npm", package="nets", version="2.0", member="package/a.onnx")


def pinned(content: bytes, *sources: Source, name: str = "a.onnx") -> PinnedFile:
    """A catalogue's entry for this content, from these sources or from WHEEL."""
    return PinnedFile(
        name=name,
        size_bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        sources=sources or (WHEEL,),
    )


def zipped(**members: bytes) -> bytes:
    """A wheel with `nets/<name>.onnx` for each member."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(f"nets/{name}.onnx", content)
    return buffer.getvalue()
