"""Is this a video we take? Decided from its first bytes; the worker finds out the rest."""

from typing import BinaryIO

from api.errors import ApiError

#: First boxes of MP4 and MOV files; old QuickTime files begin without `ftyp`.
_FIRST_BOXES = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")
_EBML = b"\x1a\x45\xdf\xa3"


def check_video(file: BinaryIO, *, max_bytes: int, field: str = "video") -> None:
    """Refuse what can't be a video of a format that is read: MP4, MOV, WebM, Matroska, AVI.

    Args:
        file: Seekable.
        max_bytes: Largest file taken.
        field: Where it stands in the request.

    Raises:
        ApiError: `video_empty`, `file_too_large` or `invalid_video_format`.
    """
    size_bytes = file.seek(0, 2)
    file.seek(0)
    if not size_bytes:
        raise ApiError("video_empty", "The video has no bytes.", field=field)
    if size_bytes > max_bytes:
        detail = f"The video file is larger than {max_bytes} bytes. Shorten or compress it."
        raise ApiError("file_too_large", detail, field=field)
    head = file.read(12)
    file.seek(0)
    is_avi = head[:4] == b"RIFF" and head[8:] == b"AVI "
    if not (head.startswith(_EBML) or is_avi or head[4:8] in _FIRST_BOXES):
        detail = "The file is not an MP4, MOV, WebM or AVI video, or its first bytes are missing."
        raise ApiError("invalid_video_format", detail, field=field)
