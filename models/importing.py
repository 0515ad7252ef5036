"""Taking weights from a folder or archive, where there is no network: by hash, never by name."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

import structlog

from models.catalogue import Catalogue
from models.errors import WeightsError
from models.files import copy_hashed, sha256_of
from models.layout import Layout
from models.sources.archive import ArchiveUnreadable, is_archive, open_archive
from models.spec import PinnedFile

_log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True, slots=True)
class Imported:
    """A file of the catalogue that was found."""

    #: The file as the catalogue pins it.
    file: PinnedFile
    #: Where it lies in the store.
    path: Path
    #: Where it was found: a path, and after `!` the member of an archive.
    origin: str


class _Open(Protocol):
    def __call__(self) -> AbstractContextManager[IO[bytes]]: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class _Candidate:
    origin: str
    size_bytes: int
    open: _Open


def import_files(layout: Layout, path: Path, catalogue: Catalogue) -> list[Imported]:
    """Store every file of the catalogue found at a path.

    Raises:
        WeightsError: the path does not exist, or is an archive that can't be read.
        OSError: the disk refused.
    """
    if not path.exists():
        raise WeightsError(f"There is no {path}.")
    pinned = [spec.file for spec in catalogue.models.values()]
    pinned += [sample.file for sample in catalogue.samples.values()]
    found: dict[str, Imported] = {}
    for candidate in _candidates(path):
        for file in pinned:
            if candidate.size_bytes == file.size_bytes and file.sha256 not in found:
                imported = _take(layout, candidate, file)
                if imported is not None:
                    found[file.sha256] = imported
    return list(found.values())


def _take(layout: Layout, candidate: _Candidate, file: PinnedFile) -> Imported | None:
    """Copy a candidate and keep it if it has the pinned bytes."""
    result = Imported(file=file, path=layout.file(file), origin=candidate.origin)
    with layout.locked([file.sha256]), layout.workspace(file.sha256) as folder:
        copy = folder / "copy"
        try:
            with candidate.open() as stream:
                sha256 = copy_hashed(stream, copy, file.size_bytes)
        except ArchiveUnreadable as error:
            _log.warning("weights_member_skipped", origin=candidate.origin, error=str(error))
            return None
        if sha256 != file.sha256:
            return None
        if not result.path.is_file() or sha256_of(result.path) != file.sha256:
            layout.adopt(copy, file)
            _log.info("weights_imported", file=file.name, origin=candidate.origin)
    return result


def _candidates(path: Path) -> Iterator[_Candidate]:
    if not path.is_dir():
        if not path.is_file():
            raise WeightsError(f"{path} is no file and no folder.")
        yield from _from_archive(path) if is_archive(path) else [_plain(path)]
        return
    for inner in sorted(path.rglob("*")):
        if not inner.is_file():
            continue
        yield _plain(inner)
        if is_archive(inner):
            try:
                yield from _from_archive(inner)
            except ArchiveUnreadable as error:
                # One damaged file must not hide the good ones beside it.
                _log.warning("weights_archive_skipped", path=str(inner), error=str(error))


def _plain(path: Path) -> _Candidate:
    return _Candidate(
        origin=str(path), size_bytes=path.stat().st_size, open=lambda: path.open("rb")
    )


def _from_archive(path: Path) -> Iterator[_Candidate]:
    with open_archive(path) as archive:
        for member in archive.members():

            @contextmanager
            def opened(name: str = member.name) -> Iterator[IO[bytes]]:
                with archive.read(name) as stream:
                    yield stream

            yield _Candidate(
                origin=f"{path}!{member.name}", size_bytes=member.size_bytes, open=opened
            )
