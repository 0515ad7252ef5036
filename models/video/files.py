"""The file behind a video, before FFmpeg sees it."""

from pathlib import Path
from typing import BinaryIO

from models.errors import VideoRejected
from models.video.results import VideoLimits


class Nameless:
    """What FFmpeg sees of the file: its name would be guessed from, and followed by references."""

    def __init__(self, file: BinaryIO) -> None:
        self.read = file.read
        self.seek = file.seek
        self.tell = file.tell


def open_path(path: Path) -> BinaryIO:
    """Open a regular file; no pipe, device or folder.

    Raises:
        VideoRejected: it is not there, no file, or may not be read.
    """
    if not path.is_file():
        raise VideoRejected("video_undecodable", f"{path} is no file.")
    try:
        return path.open("rb")
    except OSError as error:
        raise VideoRejected(
            "video_undecodable", f"{path} can't be read: {error.strerror}."
        ) from error


def check_size(file: BinaryIO, limits: VideoLimits) -> None:
    """Refuse a file that is too large.

    Raises:
        VideoRejected: it is.
    """
    size = file.seek(0, 2)
    if size > limits.max_bytes:
        raise VideoRejected(
            "video_too_large", f"The video has {size} bytes; {limits.max_bytes} are allowed."
        )


def format_of(file: BinaryIO) -> str:
    """FFmpeg's name of the format a file may have, by its first bytes: "mov", "matroska" or "avi".

    What is none of the others is taken for an MP4 or MOV file, whose beginning may be anything.
    """
    file.seek(0)
    head = file.read(12)
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return "matroska"
    return "avi" if head[:4] == b"RIFF" and head[8:] == b"AVI " else "mov"
