"""Reading a request's photos by its media type: form, archive, list, or an earlier upload."""

import uuid
from collections.abc import Callable, Generator, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from flask import Request

from api.batches.archive_limits import ArchiveLimits
from api.batches.form_entries import read_form
from api.batches.gzip_stream import GzipStream
from api.batches.manifest import manifest_lines
from api.batches.photos import Sent
from api.batches.references import complete_upload
from api.batches.tar_entries import tar_entries
from api.batches.zip_entries import zip_entries
from api.errors import ApiError
from api.inputs.body import parse_json
from api.resumable.pieces import Piece, PieceFile, delete_pieces, store_pieces
from api.resumable.uploads import Upload
from api.services import Services
from api.whole_body import Readable, WholeBody
from workers.errors import BlobMissing, StoreUnavailable

ZIP = frozenset({"application/zip", "application/x-zip-compressed"})
TAR = frozenset({"application/x-tar", "application/x-gtar"})
TAR_GZIP = frozenset({"application/gzip", "application/x-gzip"})
MANIFEST = frozenset({"application/x-ndjson", "application/ndjson"})
#: Largest JSON body that names an upload.
_JSON_BYTES = 64 * 1024
#: Entries of an archive beyond its items: folders, and what operating systems leave.
_SPARE_ENTRIES = 2
_ZIP_MARK, _GZIP_MARK = b"PK", b"\x1f\x8b"


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """What a request holds."""

    #: Everything but photos: options.
    members: dict[str, Any]
    #: Read when asked for, once; to be closed.
    sent: Generator[Sent, None, None]
    #: What the request names instead of holding it; tells two requests apart.
    names: str = ""
    #: The archive that is to be deleted once all of it was taken.
    upload: Upload | None = None


def open_source(
    parts: Services, request: Request, owner: str, *, turn: Callable[[str], int] = lambda _: 0
) -> Source:
    """Read a request as far as its options.

    Args:
        parts: Of the gateway.
        request: Its body was not touched yet.
        owner: Whose uploads it may name.
        turn: Which files of a ZIP come first, see zip_entries. Others come as they were sent.

    Raises:
        ApiError: it is of a type nobody reads, or can't be read.
    """
    kind = request.mimetype
    request.max_content_length = parts.settings.upload_max_bytes
    if kind == "application/json":
        return _named_upload(parts, request, owner, turn)
    if kind == "multipart/form-data":
        form = read_form(
            WholeBody(request),
            request.mimetype_params.get("boundary", ""),
            most_files=parts.settings.batch_form_files,
            item_bytes=parts.settings.max_image_bytes,
        )
        return Source(members=form.members, sent=generated(form.entries))
    return Source(members={}, sent=generated(_streamed(parts, request, turn)))


def archive_limits(parts: Services) -> ArchiveLimits:
    """How much one archive may hold."""
    settings = parts.settings
    return ArchiveLimits(
        entries=_SPARE_ENTRIES * settings.batch_max_items,
        item_bytes=settings.max_image_bytes,
        total_bytes=settings.archive_max_bytes,
        ratio=settings.archive_max_ratio,
    )


def _streamed(parts: Services, request: Request, turn: Callable[[str], int]) -> Iterable[Sent]:
    kind, limits = request.mimetype, archive_limits(parts)
    if kind in ZIP:
        return _zip_body(parts, WholeBody(request), limits, turn)
    if kind in TAR and request.headers.get("Content-Encoding", "identity") == "identity":
        return tar_entries(WholeBody(request), limits)
    if kind in TAR_GZIP or (kind in TAR and request.headers["Content-Encoding"] == "gzip"):
        return tar_entries(GzipStream(WholeBody(request), limits), limits)
    if kind in MANIFEST:
        return manifest_lines(WholeBody(request), limits)
    raise ApiError(
        "unsupported_media_type",
        "Send multipart/form-data, application/zip, application/x-tar, application/gzip (a TAR), "
        "application/x-ndjson, or application/json that names an upload.",
    )


def _zip_body(
    parts: Services, stream: Readable, limits: ArchiveLimits, turn: Callable[[str], int]
) -> Generator[Sent, None, None]:
    """Its directory is at the end: the body is put aside in pieces until it was read."""
    pieces: list[Piece] = []
    try:
        for piece in store_pieces(stream, parts.blobs, name=f"spool_{uuid.uuid4().hex}"):
            pieces.append(piece)  # noqa: PERF402 - those of a broken stream are deleted
        yield from zip_entries(PieceFile(pieces, parts.blobs), limits, turn=turn)
    finally:
        delete_pieces(pieces, parts.blobs)


def _named_upload(
    parts: Services, request: Request, owner: str, turn: Callable[[str], int]
) -> Source:
    request.max_content_length = _JSON_BYTES
    members = parse_json(request.get_data())
    name = members.pop("upload", None)
    if name is None:
        return Source(members=members, sent=generated(()))
    if not isinstance(name, str):
        raise ApiError("validation_error", "upload: expected an id.", field="upload")
    # Deleted when its batch was complete: the batch itself answers a repetition.
    with suppress(ApiError):
        upload = complete_upload(parts, name, owner)
        sent = generated(_uploaded(parts, upload, turn))
        return Source(members=members, sent=sent, names=name, upload=upload)
    return Source(members=members, sent=_gone(parts, name, owner), names=name)


def _gone(parts: Services, name: str, owner: str) -> Generator[Sent, None, None]:
    """Says why there is no such archive, when it is read."""
    complete_upload(parts, name, owner)
    yield from ()


def _uploaded(
    parts: Services, upload: Upload, turn: Callable[[str], int]
) -> Generator[Sent, None, None]:
    limits = archive_limits(parts)
    file = PieceFile(parts.uploads.pieces(upload), parts.blobs)
    try:
        mark = file.read_at(0, 2)
        if mark == _ZIP_MARK:
            yield from zip_entries(file, limits, turn=turn)
        elif mark == _GZIP_MARK:
            yield from tar_entries(GzipStream(file, limits), limits)
        else:
            yield from tar_entries(file, limits)
    except BlobMissing:
        raise ApiError("unknown_upload", "The upload has expired.", field="upload") from None


def forget_upload(parts: Services, upload: Upload) -> None:
    """Delete an archive whose photos were all taken; it expires anyway."""
    with suppress(StoreUnavailable):
        delete_pieces(parts.uploads.delete(upload), parts.blobs)


def generated(sent: Iterable[Sent]) -> Generator[Sent, None, None]:
    """What was sent, to be closed whatever it was."""
    iterator = iter(sent)
    try:
        yield from iterator
    finally:
        if isinstance(iterator, Generator):
            iterator.close()
