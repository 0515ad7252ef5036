"""How many samples an MP4 or MOV file claims to have, found before FFmpeg believes it.

FFmpeg (libavformat 62.12) makes an index entry for each sample that a table declares, and a table
may declare millions in a dozen bytes: a file of 2 KB took 2.1 GB of memory and 8 seconds to open.
"""

import re
from typing import BinaryIO

from models.errors import VideoRejected

#: An index of so many samples takes some 150 MB. Ten minutes of video at 60 frames/s with AAC sound
#: are 65,000 samples; uncompressed sound counts each of its 48,000 samples per second.
MAX_SAMPLES = 4_000_000
#: Boxes at the top of a file; a stream in fragments of a tenth of a second has 12,000.
MAX_BOXES = 100_000
#: Where ISO/IEC 14496-12 has the sample count of a table, bytes from the start of its type.
_COUNT_AT = {b"stsz": 12, b"stz2": 12, b"trun": 8}
#: Tables are looked for wherever they are: FFmpeg reads them in places where they don't belong.
#: `cmov`: an index that is compressed, as QuickTime wrote before 2005; it can't be looked into.
_TABLE = re.compile(b"stsz|stz2|trun|cmov")
#: The shortest box is its size and type.
_HEAD_BYTES = 8
_CHUNK_BYTES, _OVERLAP_BYTES = 1024 * 1024, 16


def check_index(file: BinaryIO) -> None:
    """Refuse a file that declares too many samples, or hides how many.

    Args:
        file: Can seek; is left anywhere.

    Raises:
        VideoRejected: it does.
    """
    end = file.seek(0, 2)
    at, boxes, samples = 0, 0, 0
    while at < end:
        kind, size = _box(file, at, end)
        if kind != b"mdat":
            samples += _declared(file, at, at + size)
        at, boxes = at + size, boxes + 1
        if samples > MAX_SAMPLES or boxes > MAX_BOXES:
            raise VideoRejected(
                "video_too_large",
                f"The video's index declares more than {MAX_SAMPLES} samples or consists of more"
                f" than {MAX_BOXES} parts.",
            )


def _box(file: BinaryIO, at: int, end: int) -> tuple[bytes, int]:
    """Type and size of the box at a place; one that is cut or nonsense reaches to the end."""
    file.seek(at)
    head = file.read(16)
    kind, size = head[4:8], int.from_bytes(head[:4])
    if size == 1:
        size = int.from_bytes(head[8:])
    if 0 < size < _HEAD_BYTES:
        return b"", end - at
    return kind, min(size or end, end - at)


def _declared(file: BinaryIO, start: int, end: int) -> int:
    """Samples that the tables in a part of a file declare."""
    samples, at = 0, start
    while at < end:
        file.seek(at)
        chunk = file.read(min(_CHUNK_BYTES + _OVERLAP_BYTES, end - at))
        for found in _TABLE.finditer(chunk[: _CHUNK_BYTES + 3]):
            if found.group() == b"cmov":
                raise VideoRejected("video_undecodable", "The video's index is compressed.")
            place = found.start() + _COUNT_AT[found.group()]
            samples += int.from_bytes(chunk[place : place + 4])
        at += _CHUNK_BYTES
    return samples
