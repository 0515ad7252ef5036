"""Photos that are elsewhere: in a resumable upload, or at an address."""

from api.batches.manifest import Reference
from api.errors import ApiError
from api.images import too_large_file
from api.resumable.pieces import PieceFile
from api.resumable.uploads import Upload
from api.services import Services
from workers.errors import BlobMissing


class ReferenceReader:
    """Reads them for one owner.

    Args:
        parts: Of the gateway.
        owner: Whose uploads may be read.
    """

    def __init__(self, parts: Services, owner: str) -> None:
        self._parts = parts
        self._owner = owner

    def read(self, reference: Reference) -> bytes:
        """The file.

        Raises:
            ApiError: the upload is not the owner's, not complete or too large.
            OutboundError: the address is refused, or gives no file.
        """
        settings = self._parts.settings
        if reference.kind == "upload":
            upload = complete_upload(self._parts, reference.place, self._owner)
            if upload.length_bytes > settings.max_image_bytes:
                raise too_large_file(settings.max_image_bytes)
            return self._uploaded(upload)
        with self._parts.outbound.fetch(
            reference.place,
            max_bytes=settings.max_image_bytes,
            total_seconds=settings.url_seconds,
        ) as file:
            return file.read()

    def _uploaded(self, upload: Upload) -> bytes:
        file = PieceFile(self._parts.uploads.pieces(upload), self._parts.blobs)
        try:
            return file.read_at(0, upload.length_bytes)
        except BlobMissing:
            raise _unknown(upload.id) from None


def complete_upload(parts: Services, upload_id: str, owner: str) -> Upload:
    """An owner's upload, if all of it is here.

    Raises:
        ApiError: `unknown_upload` or `upload_unfinished`.
    """
    upload = parts.uploads.get(upload_id, owner=owner)
    if upload is None:
        raise _unknown(upload_id)
    if not upload.is_complete:
        raise ApiError(
            "upload_unfinished",
            f"Of the upload {upload.offset_bytes} of {upload.length_bytes} bytes have arrived.",
            field="upload",
        )
    return upload


def _unknown(upload_id: str) -> ApiError:
    detail = f"There is no upload '{upload_id}', or it has expired."
    return ApiError("unknown_upload", detail, field="upload")
