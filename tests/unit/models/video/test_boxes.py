"""Indexes that are small in the file and huge in memory."""

import io

import pytest

from models.errors import VideoRejected
from models.video.boxes import MAX_BOXES, MAX_SAMPLES, check_index


def box(kind: bytes, *content: bytes) -> bytes:
    body = b"".join(content)
    return (len(body) + 8).to_bytes(4) + kind + body


def sizes(count: int) -> bytes:
    return box(b"stsz", bytes(8), count.to_bytes(4))


def run(count: int) -> bytes:
    return box(b"trun", bytes(4), count.to_bytes(4))


def movie(*tables: bytes) -> bytes:
    return box(b"ftyp", b"isom") + box(b"mdat", b"x" * 50) + box(b"moov", box(b"trak", *tables))


def code(body: bytes) -> str | None:
    try:
        check_index(io.BytesIO(body))
    except VideoRejected as error:
        return error.code
    return None


@pytest.mark.parametrize(
    "body",
    [
        movie(sizes(MAX_SAMPLES)),
        movie(sizes(MAX_SAMPLES // 2)) + box(b"moof", run(MAX_SAMPLES // 2)),
        movie(sizes(10)) + box(b"mdat", sizes(MAX_SAMPLES + 1)),
        b"",
        b"\x00" * 40,
        b"not a box at all",
    ],
)
def test_what_declares_no_more_than_allowed_passes(body: bytes) -> None:
    assert code(body) is None


@pytest.mark.parametrize(
    "body",
    [
        movie(sizes(MAX_SAMPLES + 1)),
        movie(box(b"stz2", bytes(8), (2**31).to_bytes(4))),
        movie(sizes(MAX_SAMPLES // 2), sizes(MAX_SAMPLES // 2 + 1)),
        movie(sizes(10)) + box(b"moof", run(MAX_SAMPLES)),
        # In places where they don't belong, a box that is cut, and across the edge of a read.
        movie() + box(b"free", sizes(MAX_SAMPLES + 1)),
        movie() + (2**20).to_bytes(4) + b"moov" + sizes(MAX_SAMPLES + 1),
        box(b"udta", bytes(1024 * 1024 - 18) + sizes(MAX_SAMPLES + 1)),
        box(b"udta", bytes(1024 * 1024 - 12) + sizes(MAX_SAMPLES + 1)),
        (3).to_bytes(4) + b"mdat" + sizes(MAX_SAMPLES + 1),
        box(b"free") * (MAX_BOXES + 1),
    ],
)
def test_what_declares_more_is_too_large(body: bytes) -> None:
    assert code(body) == "video_too_large"


def test_boxes_with_long_sizes_are_skipped_as_a_whole() -> None:
    long = (1).to_bytes(4) + b"mdat" + (16 + 20).to_bytes(8) + sizes(MAX_SAMPLES + 1)

    assert code(long) is None
    assert code(long + movie(sizes(MAX_SAMPLES + 1))) == "video_too_large"


def test_a_compressed_index_is_refused_for_what_it_may_hide() -> None:
    assert code(movie(box(b"cmov"))) == "video_undecodable"
