"""/api/v1/uploads: large files that go on where they broke off, by tus 1.0."""

from collections.abc import Sequence
from http import HTTPStatus

import structlog
import uuid_utils
from flask import Blueprint, Response, request, url_for
from werkzeug.http import http_date

from api.endpoint import Endpoint, endpoint, principal
from api.errors import ApiError
from api.idempotency import replayed
from api.long_bodies import allow_long_body
from api.principal import Scope
from api.resumable.pieces import Piece, delete_pieces, store_pieces
from api.resumable.tus import (
    CHECKSUMS,
    EXTENSIONS,
    PART_TYPE,
    VERSION,
    Checksum,
    check_version,
    checksum_of,
    metadata_of,
    number_of,
)
from api.resumable.uploads import MOST_PIECES, NewUpload, Quota, Upload
from api.services import Services, services
from api.whole_body import WholeBody

blueprint = Blueprint("uploads", __name__)

_log = structlog.get_logger()


@blueprint.route("/api/v1/uploads", methods=["OPTIONS"], provide_automatic_options=False)
@endpoint(Endpoint(is_open=True, bucket="free", tag="uploads", answers={204: None}))
def describe_uploads() -> Response:
    """What this server knows of the protocol."""
    response = Response(status=HTTPStatus.NO_CONTENT)
    response.headers["Tus-Version"] = VERSION
    response.headers["Tus-Extension"] = ",".join(EXTENSIONS)
    response.headers["Tus-Checksum-Algorithm"] = ",".join(CHECKSUMS)
    response.headers["Tus-Max-Size"] = str(services().settings.upload_max_bytes)
    return response


@blueprint.route("/api/v1/uploads", methods=["POST"], provide_automatic_options=False)
@replayed
@endpoint(
    Endpoint(
        scope=Scope.BATCH,
        bucket="write",
        tag="uploads",
        headers=("!TusResumable", "!UploadLength", "UploadMetadata"),
        body_optional=True,
        answers={201: None},
        problems=("upload_version_unsupported", "upload_too_large", "upload_quota_exceeded"),
        idempotent=True,
    )
)
def create_upload() -> Response:
    """Announce a file by the headers `Upload-Length` and, if wanted, `Upload-Metadata`."""
    check_version(request.headers)
    parts = services()
    settings = parts.settings
    length_bytes = number_of(request.headers, "Upload-Length")
    if length_bytes > settings.upload_max_bytes:
        raise ApiError(
            "upload_too_large", f"An upload has at most {settings.upload_max_bytes} bytes."
        )
    new = NewUpload(
        id=f"upload_{uuid_utils.uuid7().hex}",
        owner=principal().user_id,
        length_bytes=length_bytes,
        metadata=metadata_of(request.headers),
    )
    quota = Quota(uploads=settings.upload_quota_count, total_bytes=settings.upload_quota_bytes)
    upload = parts.uploads.create(new, quota)
    if upload is None:
        raise ApiError(
            "upload_quota_exceeded",
            f"Your unexpired uploads may be {quota.uploads} with {quota.total_bytes} bytes "
            "together. Delete some, or wait until they expire.",
        )
    response = _told(upload, HTTPStatus.CREATED)
    response.headers["Location"] = url_for("uploads.read_upload", upload_id=upload.id)
    return response


@blueprint.route("/api/v1/uploads/<upload_id>", methods=["HEAD"], provide_automatic_options=False)
@endpoint(
    Endpoint(
        scope=Scope.BATCH,
        tag="uploads",
        headers=("!TusResumable",),
        answers={200: None},
        problems=("upload_version_unsupported", "upload_not_found"),
    )
)
def read_upload(upload_id: str) -> Response:
    """How far an upload has got: the header `Upload-Offset`."""
    check_version(request.headers)
    upload = own_upload(upload_id)
    response = _told(upload, HTTPStatus.OK)
    response.headers["Upload-Length"] = str(upload.length_bytes)
    if upload.metadata:
        response.headers["Upload-Metadata"] = upload.metadata
    return response


@blueprint.route("/api/v1/uploads/<upload_id>", methods=["PATCH"], provide_automatic_options=False)
@endpoint(
    Endpoint(
        scope=Scope.BATCH,
        bucket="write",
        tag="uploads",
        headers=("!TusResumable", "!UploadOffset", "UploadChecksum"),
        bodies={PART_TYPE: None},
        body_optional=True,
        answers={204: None},
        problems=(
            "upload_version_unsupported",
            "upload_not_found",
            "upload_offset_conflict",
            "upload_too_large",
            "upload_fragmented",
            "upload_checksum_mismatch",
        ),
    )
)
def append_to_upload(upload_id: str) -> Response:
    """Send the part that begins at the header `Upload-Offset`.

    What has arrived stays when the connection breaks: ask where to go on.
    """
    allow_long_body(request.environ)
    check_version(request.headers)
    parts = services()
    upload = own_upload(upload_id)
    if request.mimetype != PART_TYPE:
        raise ApiError("unsupported_media_type", f"Send the part as {PART_TYPE}.")
    if number_of(request.headers, "Upload-Offset") != upload.offset_bytes:
        raise _conflict(upload)
    checksum = checksum_of(request.headers)
    left_bytes = upload.length_bytes - upload.offset_bytes
    if (request.content_length or 0) > left_bytes:
        raise _too_much(upload)
    # One more: a body that reaches the limit is told apart from one beyond it by reading on.
    request.max_content_length = left_bytes + 1
    if checksum is None:
        upload = _append_as_it_comes(parts, upload)
    else:
        upload = _append_whole(parts, upload, checksum)
    return _told(upload, HTTPStatus.NO_CONTENT)


@blueprint.route("/api/v1/uploads/<upload_id>", methods=["DELETE"], provide_automatic_options=False)
@endpoint(
    Endpoint(
        scope=Scope.BATCH,
        bucket="write",
        tag="uploads",
        headers=("!TusResumable",),
        answers={204: None},
        problems=("upload_version_unsupported", "upload_not_found"),
    )
)
def delete_upload(upload_id: str) -> Response:
    """Forget an upload and what has arrived of it."""
    check_version(request.headers)
    parts = services()
    upload = own_upload(upload_id)
    delete_pieces(parts.uploads.delete(upload), parts.blobs)
    return Response(status=HTTPStatus.NO_CONTENT)


@blueprint.after_request
def _name_version(response: Response) -> Response:
    response.headers["Tus-Resumable"] = VERSION
    if response.status_code == HTTPStatus.PRECONDITION_FAILED:
        response.headers["Tus-Version"] = VERSION
    return response


def own_upload(upload_id: str) -> Upload:
    """The caller's upload of that id.

    Raises:
        ApiError: `upload_not_found`.
    """
    upload = services().uploads.get(upload_id, owner=principal().user_id)
    if upload is None:
        raise _not_found(upload_id)
    return upload


def _append_as_it_comes(parts: Services, upload: Upload) -> Upload:
    """Note every piece as soon as it is stored: what has arrived is never sent twice."""
    for piece in store_pieces(WholeBody(request), parts.blobs, name=upload.id):
        upload = _note(parts, upload, [piece])
    return upload


def _append_whole(parts: Services, upload: Upload, checksum: Checksum) -> Upload:
    """Note nothing until all has arrived and its checksum is right."""
    pieces: list[Piece] = []
    try:
        for piece in store_pieces(checksum.over(WholeBody(request)), parts.blobs, name=upload.id):
            pieces.append(piece)  # noqa: PERF402 - those of a broken stream are deleted
        checksum.verify()
    except BaseException:
        delete_pieces(pieces, parts.blobs)
        raise
    return _note(parts, upload, pieces) if pieces else upload


def _note(parts: Services, upload: Upload, pieces: Sequence[Piece]) -> Upload:
    appended = parts.uploads.append(upload, pieces)
    if appended.is_noted and appended.upload is not None:
        return appended.upload
    delete_pieces(pieces, parts.blobs)
    if appended.upload is None:
        raise _not_found(upload.id)
    if appended.upload.offset_bytes != upload.offset_bytes:
        raise _conflict(appended.upload)
    size_bytes = sum(piece.size_bytes for piece in pieces)
    if upload.offset_bytes + size_bytes > upload.length_bytes:
        raise _too_much(upload)
    raise ApiError(
        "upload_fragmented",
        f"The upload came in {MOST_PIECES} parts already. Begin anew with parts of 1 MB or more.",
    )


def _told(upload: Upload, status: HTTPStatus) -> Response:
    response = Response(status=status)
    response.headers["Upload-Offset"] = str(upload.offset_bytes)
    response.headers["Upload-Expires"] = http_date(upload.expires_ms / 1000)
    response.headers["Cache-Control"] = "no-store"
    return response


def _not_found(upload_id: str) -> ApiError:
    return ApiError("upload_not_found", f"There is no upload '{upload_id}', or it has expired.")


def _conflict(upload: Upload) -> ApiError:
    return ApiError(
        "upload_offset_conflict",
        f"The upload has got to {upload.offset_bytes}. Go on from there.",
        field="Upload-Offset",
        offset=upload.offset_bytes,
    )


def _too_much(upload: Upload) -> ApiError:
    return ApiError(
        "upload_too_large", f"The upload was announced with {upload.length_bytes} bytes."
    )
