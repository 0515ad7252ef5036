"""Taking weights from a folder or archive, where there is no network: by hash, never by name.

What the catalogue pins no hash for is taken one file at a time, as the model a person names: its
graph is checked instead, and its hash is recorded.
"""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

import structlog

from models.catalogue import Catalogue
from models.errors import AlreadyRecorded, WeightsCorrupt, WeightsError
from models.spec import ModelSpec, PinnedFile, UnpinnedFile
from models.weights.acceptance import Acceptance
from models.weights.files import copy_hashed, git_blob_sha1_of, sha256_of, sha256_of_stream
from models.weights.layout import Layout
from models.weights.records import ImportRecord, Records
from models.weights.sources.archive import ArchiveUnreadable, is_archive, open_archive
from models.weights.sources.port import MAX_ARCHIVE_BYTES

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
    files = [spec.file for spec in catalogue.models.values()]
    pinned = [file for file in files if isinstance(file, PinnedFile)]
    pinned += [sample.file for sample in catalogue.samples.values()]
    found: dict[str, Imported] = {}
    for candidate in _candidates(path):
        for file in _alike(candidate, [file for file in pinned if file.sha256 not in found]):
            imported = _take(layout, candidate, file)
            if imported is not None:
                found[file.sha256] = imported
    return list(found.values())


def import_as(
    layout: Layout, path: Path, spec: ModelSpec, *, accept: Acceptance, replace: bool
) -> Imported:
    """Store one file as a model's weights; see `WeightStore.import_as`.

    Raises:
        WeightsError: the path is no file.
        WeightsCorrupt: it is not the file the catalogue knows.
        AlreadyRecorded: another file was recorded before, and is not to be replaced.
        ModelsError: the file is not accepted as the model.
        OSError: the disk refused.
    """
    if not path.is_file():
        raise WeightsError(f"{path} is no file. With --as, one file is imported.")
    lock = f"record-{spec.id}"
    with layout.locked([lock]), layout.workspace(lock) as folder:
        copy = folder / "copy"
        with path.open("rb") as stream:
            sha256 = copy_hashed(stream, copy, MAX_ARCHIVE_BYTES)
        match spec.file:
            case PinnedFile() as file:
                if sha256 != file.sha256:
                    raise WeightsCorrupt(
                        f"{path} is not the file of {spec.id}: expected sha256 {file.sha256},"
                        f" found {sha256}. It was not stored."
                    )
                layout.adopt(copy, file)
            case UnpinnedFile() as unpinned:
                _refuse_another(Records(layout), spec, sha256, replace=replace)
                _check_git_blob(copy, unpinned)
                accept(copy.read_bytes(), spec)
                file = _record(layout, copy, spec, sha256)
    _log.info("weights_imported", file=file.name, origin=str(path))
    return Imported(file=file, path=layout.file(file), origin=str(path))


def _record(layout: Layout, copy: Path, spec: ModelSpec, sha256: str) -> PinnedFile:
    record = ImportRecord(name=spec.file.name, sha256=sha256, size_bytes=copy.stat().st_size)
    file = record.as_file()
    layout.adopt(copy, file)
    # Last: without a record the file is not used.
    Records(layout).write(spec, record)
    return file


def _refuse_another(records: Records, spec: ModelSpec, sha256: str, *, replace: bool) -> None:
    if replace:
        return
    before = records.find(spec)
    if before is not None and before.sha256 != sha256:
        raise AlreadyRecorded(
            f"{spec.id} was imported before with sha256 {before.sha256}; this file has {sha256}."
            " Import with --replace to take the new one."
        )


def _check_git_blob(path: Path, file: UnpinnedFile) -> None:
    if file.git_blob_sha1 is None:
        return
    found = git_blob_sha1_of(path)
    if found != file.git_blob_sha1:
        raise WeightsCorrupt(
            f"This is not {file.name}: expected the git blob {file.git_blob_sha1}, found {found}."
            " It was not stored."
        )


def _alike(candidate: _Candidate, files: Sequence[PinnedFile]) -> list[PinnedFile]:
    """The files a candidate may be by its size, or by its hash where no size is known."""
    unsized = {file.sha256: file for file in files if file.size_bytes is None}
    alike = [file for file in files if file.size_bytes == candidate.size_bytes]
    if unsized:
        try:
            with candidate.open() as stream:
                sha256 = sha256_of_stream(stream)
        except ArchiveUnreadable as error:
            _log.warning("weights_member_skipped", origin=candidate.origin, error=str(error))
            return []
        alike += [unsized[sha256]] if sha256 in unsized else []
    return alike


def _take(layout: Layout, candidate: _Candidate, file: PinnedFile) -> Imported | None:
    """Copy a candidate and keep it if it has the pinned bytes."""
    result = Imported(file=file, path=layout.file(file), origin=candidate.origin)
    with layout.locked([file.sha256]), layout.workspace(file.sha256) as folder:
        copy = folder / "copy"
        try:
            with candidate.open() as stream:
                sha256 = copy_hashed(stream, copy, candidate.size_bytes)
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
