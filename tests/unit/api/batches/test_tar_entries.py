import gzip
import io
import os
import tarfile
import zlib
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.batches.archive_limits import ArchiveLimits
from api.batches.entries import Entry, Photo, Refused
from api.batches.gzip_stream import GzipStream
from api.batches.tar_entries import LONGEST_EXTENSION_BYTES, tar_entries
from api.errors import ApiError
from tests.unit.api.batches.forged import (
    add_file,
    honest_tar,
    special_tar,
    tar_block,
)

LIMITS = ArchiveLimits(entries=100, item_bytes=100_000, total_bytes=1_000_000, ratio=50)
FORMATS = [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]

names = st.text(st.characters(codec="utf-8", categories=("L", "N")), min_size=1, max_size=40)


def read(archive: bytes, limits: ArchiveLimits = LIMITS) -> dict[str, bytes | str]:
    """Contents by id; of what was refused, the code."""
    return {
        one.id: one.content if isinstance(one, Photo) else one.code
        for one in tar_entries(io.BytesIO(archive), limits)
    }


def refused(archive: bytes, limits: ArchiveLimits = LIMITS) -> str:
    with pytest.raises(ApiError) as raised:
        read(archive, limits)
    return raised.value.code


@pytest.mark.parametrize("format_", FORMATS)
@given(files=st.dictionaries(names, st.binary(max_size=2000), max_size=5))
def test_what_the_standard_library_writes_is_read(format_: int, files: dict[str, bytes]) -> None:
    assert read(honest_tar(files, format_=format_)) == files


@pytest.mark.parametrize("format_", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_long_names_are_read(format_: int) -> None:
    name = "folder/" * 20 + "é.jpg"

    assert read(honest_tar({name: b"photo", "b": b"other"}, format_=format_)) == {
        name: b"photo",
        "b": b"other",
    }


@given(cut=st.integers(0, 4999))
def test_wherever_it_is_cut_the_whole_files_before_come_and_the_cut_is_told(cut: int) -> None:
    files = {f"{number}.jpg": os.urandom(700) for number in range(3)}
    archive = honest_tar(files, format_=tarfile.USTAR_FORMAT)[:cut]
    seen: list[Entry] = []

    with pytest.raises(ApiError) as raised:
        seen.extend(tar_entries(io.BytesIO(archive), LIMITS))

    assert raised.value.code == "archive_truncated"
    whole = list(files.items())[: cut // (512 + 1024)]
    assert seen == [Photo(id=name, content=content) for name, content in whole]


def test_a_missing_end_is_told_although_every_file_is_whole() -> None:
    archive = honest_tar({"a": b"photo"}, format_=tarfile.USTAR_FORMAT)[:1024]

    assert refused(archive) == "archive_truncated"


def test_something_behind_the_end_is_no_part_that_is_passed_over() -> None:
    archive = honest_tar({"a": b"one"}) + honest_tar({"b": b"two"})

    assert refused(archive) == "archive_damaged"


def test_a_damaged_header_in_the_middle_is_no_end() -> None:
    archive = bytearray(honest_tar({"a": b"one", "b": b"two"}, format_=tarfile.USTAR_FORMAT))
    archive[1024 + 3] ^= 0xFF

    assert refused(bytes(archive)) == "archive_damaged"


@pytest.mark.parametrize("type_", [tarfile.SYMTYPE, tarfile.LNKTYPE])
def test_links_are_refused_and_the_rest_is_read(type_: bytes) -> None:
    assert read(special_tar("link.jpg", type_, target="/etc/passwd")) == {
        "link.jpg": "unsupported_entry",
        "after.jpg": b"after",
    }


@pytest.mark.parametrize("type_", [tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_devices_are_refused_and_the_rest_is_read(type_: bytes) -> None:
    assert read(special_tar("null", type_)) == {
        "null": "unsupported_entry",
        "after.jpg": b"after",
    }


def test_sparse_files_are_refused() -> None:
    sparse = tar_block(b"sparse.jpg", 512, tarfile.GNUTYPE_SPARSE) + bytes(512)

    assert read(sparse + honest_tar({"b": b"b"})) == {
        "sparse.jpg": "unsupported_entry",
        "b": b"b",
    }


@pytest.mark.parametrize(
    "name", ["/etc/passwd", "../up.jpg", "a/../../b.jpg", "C:\\x.jpg", "a\\..\\b", "a\nb"]
)
def test_names_that_lead_astray_are_refused(name: str) -> None:
    assert read(honest_tar({name: b"photo", "ok.jpg": b"ok"}, format_=tarfile.GNU_FORMAT)) == {
        "entry-1": "unsafe_name",
        "ok.jpg": b"ok",
    }


def test_folders_and_litter_are_passed_over() -> None:
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as archive:
        folder = tarfile.TarInfo("photos")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
        for name in ("__MACOSX/a.jpg", "photos/._a.jpg", ".DS_Store", "photos/a.jpg"):
            add_file(archive, name, b"photo")

    assert read(written.getvalue()) == {"photos/a.jpg": b"photo"}


def test_names_below_a_dot_are_told_without_it() -> None:
    assert read(honest_tar({"./a/b.jpg": b"photo"})) == {"a/b.jpg": b"photo"}


def test_a_file_too_large_is_refused_and_the_rest_is_read() -> None:
    files = {"large": bytes(100_001), "small": b"photo"}

    assert read(honest_tar(files)) == {"large": "file_too_large", "small": b"photo"}


def test_more_entries_than_allowed_end_it() -> None:
    files = {str(number): b"" for number in range(101)}

    assert refused(honest_tar(files, format_=tarfile.USTAR_FORMAT)) == "batch_too_large"


def test_more_bytes_than_allowed_end_it_before_they_are_read() -> None:
    assert refused(tar_block(b"a", 2_000_000, b"0")) == "archive_too_large"


def test_a_name_as_long_as_memory_is_not_read() -> None:
    endless = tar_block(b"a", 8 * 2**30, tarfile.GNUTYPE_LONGNAME)

    assert refused(endless + b"x" * 4096) == "archive_damaged"
    assert LONGEST_EXTENSION_BYTES < 10**6


@pytest.mark.parametrize(
    "records",
    [b"99 path=x\n", b"x path=y\n", b"-1 path=x\n", b"10 path\n\n\n\n\n", b"0 a=b\n", b"7 path=x"],
)
def test_extended_headers_that_lie_are_damage(records: bytes) -> None:
    archive = tar_block(b"x", len(records), tarfile.XHDTYPE) + records.ljust(512, b"\0")

    assert refused(archive) == "archive_damaged"


def test_the_size_of_an_extended_header_counts() -> None:
    records = b"%d size=600\n" % len(b"12 size=600\n")
    archive = tar_block(b"x", len(records), tarfile.XHDTYPE) + records.ljust(512, b"\0")
    archive += tar_block(b"a", 0, b"0") + bytes(range(256)) * 4 + bytes(1024)

    assert read(archive) == {"a": (bytes(range(256)) * 4)[:600]}


@given(noise=st.binary(max_size=3000))
def test_noise_is_refused_and_never_a_fault(noise: bytes) -> None:
    with suppress(ApiError):
        read(noise)


@pytest.mark.parametrize("members", [1, 3])
def test_gzip_is_unpacked_while_it_is_read(members: int) -> None:
    files = {"a": os.urandom(50_000), "b": b"photo"}
    plain = honest_tar(files)
    step = -(-len(plain) // members)
    packed = b"".join(gzip.compress(plain[at : at + step]) for at in range(0, len(plain), step))
    stream = GzipStream(io.BytesIO(packed), LIMITS)

    found = {one.id: one for one in tar_entries(stream, LIMITS)}

    assert found == {name: Photo(id=name, content=files[name]) for name in files}


def test_a_gzip_bomb_is_stopped_early() -> None:
    packed = gzip.compress(tar_block(b"a", 900_000, b"0") + bytes(900_000))
    stream = GzipStream(io.BytesIO(packed), LIMITS)

    with pytest.raises(ApiError) as raised:
        list(tar_entries(stream, LIMITS))

    assert raised.value.code == "archive_bomb"


@pytest.mark.parametrize("cut", [1, 10, 400])
def test_a_gzip_stream_cut_off_is_told(cut: int) -> None:
    packed = gzip.compress(honest_tar({"a": os.urandom(5000)}))

    with pytest.raises(ApiError) as raised:
        list(tar_entries(GzipStream(io.BytesIO(packed[:-cut]), LIMITS), LIMITS))

    assert raised.value.code == "archive_truncated"


def test_members_with_next_to_nothing_in_them_are_some_hundreds_at_most() -> None:
    good = gzip.compress(b"")
    assert GzipStream(io.BytesIO(good * 900), LIMITS).read(10) == b""

    with pytest.raises(ApiError, match="members") as raised:
        GzipStream(io.BytesIO(good * 1100), LIMITS).read(10)
    assert raised.value.code == "archive_damaged"


def test_what_is_no_gzip_is_told() -> None:
    with pytest.raises(ApiError) as raised:
        GzipStream(io.BytesIO(zlib.compress(b"x")), LIMITS).read(10)

    assert raised.value.code == "archive_damaged"


def test_a_refusal_says_why() -> None:
    [found, _] = list(tar_entries(io.BytesIO(special_tar("l", tarfile.SYMTYPE)), LIMITS))

    assert isinstance(found, Refused)
    assert "Links" in found.message
