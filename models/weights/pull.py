"""Fetching pinned files from their sources, each archive once, each byte checked."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from models.errors import SourceUnavailable, WeightsCorrupt, WeightsError
from models.spec import PinnedFile, Source
from models.weights.files import copy_hashed, sha256_of
from models.weights.layout import Layout
from models.weights.progress import Progress
from models.weights.sources.archive import ArchiveUnreadable, open_archive
from models.weights.sources.port import MAX_ARCHIVE_BYTES, Fetcher

_log = structlog.get_logger()


def pull_files(
    layout: Layout,
    files: Iterable[PinnedFile],
    fetchers: Mapping[str, Fetcher],
    progress: Progress,
) -> dict[str, WeightsError]:
    """Fetch files that are missing or damaged; all are tried.

    Files that come from one archive are locked together and fetched together; a process that
    waited for the locks finds them done.

    Returns:
        By sha256, why a file could not be had: SourceUnavailable when no source delivered it or
        it has none, WeightsCorrupt when every source delivered other bytes than the pinned ones.

    Raises:
        OSError: the disk refused.
    """
    layout.sweep()
    failures: dict[str, WeightsError] = {}
    groups: dict[str, dict[str, PinnedFile]] = {}
    for file in files:
        if file.sources:
            groups.setdefault(_download_key(file.sources[0]), {})[file.sha256] = file
        else:
            failures[file.sha256] = SourceUnavailable(
                f"{file.name} has no source. Use `facesocial models import`."
            )
    for group in groups.values():
        with layout.locked(group):
            missing = [file for file in group.values() if not _is_there(layout, file)]
            if missing:
                with layout.workspace(min(group)) as folder:
                    downloads = _Downloads(folder, fetchers, progress)
                    for file in missing:
                        try:
                            _pull_one(layout, file, downloads)
                        except (SourceUnavailable, WeightsCorrupt) as error:
                            failures[file.sha256] = error
    return failures


def _is_there(layout: Layout, file: PinnedFile) -> bool:
    path = layout.file(file)
    return path.is_file() and sha256_of(path) == file.sha256


def _download_key(source: Source) -> str:
    """Equal for sources that one download serves."""
    member = {"member"} if source.member is not None else set()
    return source.model_dump_json(exclude=member)


@dataclass(frozen=True, slots=True)
class _Downloads:
    """What has been downloaded for a group of files, and what failed."""

    folder: Path
    fetchers: Mapping[str, Fetcher]
    progress: Progress
    done: dict[str, Path | WeightsError] = field(default_factory=dict)

    def get(self, source: Source, file: PinnedFile) -> Path:
        key = _download_key(source)
        if key not in self.done:
            self.done[key] = self._fetch(source, file)
        result = self.done[key]
        if isinstance(result, Path):
            return result
        raise result

    def _fetch(self, source: Source, file: PinnedFile) -> Path | WeightsError:
        fetcher = self.fetchers.get(source.kind)
        if fetcher is None:
            return SourceUnavailable(f"sources of kind '{source.kind}' are switched off")
        folder = self.folder / str(len(self.done))
        folder.mkdir()
        whole_file = source.member is None
        limit_bytes = _most_bytes(file) if whole_file else MAX_ARCHIVE_BYTES
        self.progress.start(_described(source), file.size_bytes if whole_file else None)
        try:
            return fetcher.fetch(source, folder, limit_bytes, self.progress)
        except SourceUnavailable as error:
            return error
        finally:
            self.progress.finish()


def _pull_one(layout: Layout, file: PinnedFile, downloads: _Downloads) -> None:
    failures: list[WeightsError] = []
    for source in file.sources:
        try:
            verified = _deliver(file, source, downloads)
        except (SourceUnavailable, WeightsCorrupt) as error:
            _log.warning(
                "weights_source_failed", file=file.name, source=_described(source), error=str(error)
            )
            failures.append(type(error)(f"{_described(source)}: {error}"))
        else:
            layout.adopt(verified, file)
            _log.info("weights_pulled", file=file.name, source=_described(source))
            return
    reasons = "; ".join(str(error) for error in failures)
    if all(isinstance(error, WeightsCorrupt) for error in failures):
        raise WeightsCorrupt(f"{file.name} was not stored. {reasons}")
    raise SourceUnavailable(
        f"No source delivered {file.name}. {reasons}."
        " Check the network, or use `facesocial models import`."
    )


def _deliver(file: PinnedFile, source: Source, downloads: _Downloads) -> Path:
    """The file's verified bytes, in the working folder."""
    download = downloads.get(source, file)
    target = downloads.folder / file.sha256
    try:
        if source.member is None:
            with download.open("rb") as stream:
                found = copy_hashed(stream, target, _most_bytes(file))
        else:
            with open_archive(download) as archive, archive.read(source.member) as stream:
                found = copy_hashed(stream, target, _most_bytes(file))
    except ArchiveUnreadable as error:
        raise SourceUnavailable(str(error)) from error
    if found != file.sha256:
        target.unlink()
        raise WeightsCorrupt(f"expected sha256 {file.sha256}, found {found}")
    return target


def _most_bytes(file: PinnedFile) -> int:
    return MAX_ARCHIVE_BYTES if file.size_bytes is None else file.size_bytes


def _described(source: Source) -> str:
    match source.kind:
        case "pypi":
            return f"{source.distribution} {source.version} (PyPI)"
        case "npm":
            return f"{source.package} {source.version} (npm)"
        case "url":
            return source.urls[0]
