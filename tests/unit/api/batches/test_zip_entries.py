import os
import zipfile
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.batches.archive_limits import ArchiveLimits
from api.batches.entries import Photo
from api.batches.zip_entries import zip_entries
from api.errors import ApiError
from tests.unit.api.batches.forged import (
    DEFLATED,
    Bytes,
    Member,
    deflated,
    forged_zip,
    honest_zip,
    overlapping_zip,
)

LIMITS = ArchiveLimits(entries=100, item_bytes=100_000, total_bytes=1_000_000, ratio=50)
OK = Member(name=b"ok.jpg", content=b"ok")


def read(archive: bytes, limits: ArchiveLimits = LIMITS) -> dict[str, bytes | str]:
    """Contents by id; of what was refused, the code."""
    return {
        one.id: one.content if isinstance(one, Photo) else one.code
        for one in zip_entries(Bytes(archive), limits)
    }


def refused(archive: bytes, limits: ArchiveLimits = LIMITS) -> str:
    """The code of an archive of which nothing may be given."""
    entries = zip_entries(Bytes(archive), limits)
    with pytest.raises(ApiError) as raised:
        next(entries)
    return raised.value.code


names = st.text(st.characters(codec="utf-8", categories=("L", "N")), min_size=1, max_size=40)


@pytest.mark.parametrize("zip64", [False, True])
@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@given(files=st.dictionaries(names, st.binary(max_size=2000), max_size=5))
def test_what_the_standard_library_writes_is_read(
    compression: int, zip64: bool, files: dict[str, bytes]
) -> None:
    assert read(honest_zip(files, compression=compression, zip64=zip64)) == files


def test_a_directory_longer_than_one_read_is_read() -> None:
    files = {f"{'x' * 150}{number}": b"photo" for number in range(1000)}
    many = ArchiveLimits(entries=1000, item_bytes=100, total_bytes=10_000, ratio=50)

    assert read(honest_zip(files), many) == files


@given(cut=st.integers(1, 400))
def test_wherever_it_is_cut_nothing_is_given(cut: int) -> None:
    archive = honest_zip({"a": b"photo" * 100, "b": b"other"})

    assert refused(archive[: max(0, len(archive) - cut)]) == "archive_damaged"


@pytest.mark.parametrize(
    ("member", "code"),
    [
        (Member(name=b"e", flags=1), "encrypted_entry"),
        (Member(name=b"e", flags=0x40), "encrypted_entry"),
        (Member(name=b"l", content=b"/etc/passwd", mode=0o120777), "unsupported_entry"),
        (Member(name=b"d", mode=0o020666), "unsupported_entry"),
        (Member(name=b"p", mode=0o010666), "unsupported_entry"),
        (Member(name=b"m", method=12), "unsupported_compression"),
        (Member(name=b"c", crc=1), "entry_damaged"),
        (Member(name=b"s", told_unpacked=4), "entry_damaged"),
        (Member(name=b"s", method=DEFLATED, told_unpacked=6), "entry_damaged"),
        (Member(name=b"s", method=DEFLATED, told_unpacked=4), "entry_damaged"),
        (Member(name=b"x", method=DEFLATED, packed=b"\xff\xff\xff"), "entry_damaged"),
        (Member(name=b"n", local_name=b"m"), "entry_damaged"),
        (Member(name=b"n", local_method=DEFLATED), "entry_damaged"),
        (Member(name=b"big", content=bytes(100_001)), "file_too_large"),
    ],
)
def test_what_can_t_be_a_photo_is_refused_and_the_rest_is_read(member: Member, code: str) -> None:
    assert read(forged_zip([member, OK])) == {member.name.decode(): code, "ok.jpg": b"ok"}


@pytest.mark.parametrize(
    "name", [b"/etc/passwd", b"../up.jpg", b"a/../../b", b"C:\\x", b"a\nb", b""]
)
def test_names_that_lead_astray_are_refused(name: bytes) -> None:
    assert read(forged_zip([Member(name=name), OK])) == {
        "entry-1": "unsafe_name",
        "ok.jpg": b"ok",
    }


def test_a_name_as_long_as_it_may_be_is_refused() -> None:
    archive = forged_zip([Member(name=b"x" * 60_000), OK])

    assert read(archive) == {"entry-1": "unsafe_name", "ok.jpg": b"ok"}


def test_folders_and_litter_are_passed_over() -> None:
    files = {"a/": b"", "__MACOSX/a.jpg": b"x", "a/._b.jpg": b"x", "Thumbs.db": b"x", "a/b": b"b"}

    assert read(honest_zip(files)) == {"a/b": b"b"}


def test_files_that_share_a_kernel_are_refused_before_any_is_read() -> None:
    archive = overlapping_zip(20, deflated(b"0" * 50_000))

    assert refused(archive) == "archive_damaged"


def test_two_entries_of_one_file_are_refused() -> None:
    twice = [Member(name=b"a", content=b"photo"), Member(name=b"b", told_offset=0)]

    assert refused(forged_zip(twice)) == "archive_damaged"


def test_a_file_that_reaches_into_the_next_by_its_own_header_is_refused() -> None:
    longer = Member(name=b"a", content=b"12345", local_name=b"a" + b"x" * 20)

    assert read(forged_zip([longer, OK])) == {"a": "entry_damaged", "ok.jpg": b"ok"}


def test_something_before_the_first_file_is_refused() -> None:
    assert refused(b"\xff\xd8\xff\xe0 a JPEG, too" + honest_zip({"a": b"photo"})) == (
        "archive_damaged"
    )


def test_something_before_the_first_file_is_refused_although_offsets_are_right() -> None:
    members = [Member(name=b"hidden"), OK]
    archive = forged_zip(members)
    # The directory knows of the second file only.
    shorter = archive.replace(members[0].central(0), b"")
    end = bytearray(shorter)
    start = archive.index(b"PK\x01\x02")
    size = len(OK.central(0))
    end[-22 + 8 : -22 + 20] = (
        b"\x01\0\x01\0" + size.to_bytes(4, "little") + start.to_bytes(4, "little")
    )

    assert refused(bytes(end)) == "archive_damaged"


def test_a_directory_that_tells_more_files_than_it_has_is_refused() -> None:
    assert refused(forged_zip([OK], count=2)) == "archive_damaged"


def test_a_directory_that_hides_files_is_refused() -> None:
    assert refused(forged_zip([OK, Member(name=b"b")], count=1)) == "archive_damaged"


def test_one_of_several_parts_is_refused() -> None:
    assert refused(forged_zip([OK], disk=1)) == "archive_damaged"


def test_more_entries_than_allowed_are_not_even_listed() -> None:
    assert refused(honest_zip({str(number): b"" for number in range(101)})) == "batch_too_large"


def test_a_bomb_is_refused_before_it_is_unpacked() -> None:
    bomb = Member(name=b"b", content=bytes(90_000), method=DEFLATED)
    many = [
        Member(name=b"%d" % number, content=bomb.content, method=DEFLATED) for number in range(9)
    ]

    assert refused(forged_zip(many)) == "archive_bomb"


def test_a_bomb_that_tells_small_sizes_is_stopped_at_them() -> None:
    bomb = Member(
        name=b"b", packed=deflated(bytes(50_000_000)), method=DEFLATED, told_unpacked=1000
    )

    assert read(forged_zip([bomb, OK])) == {"b": "entry_damaged", "ok.jpg": b"ok"}


def test_more_bytes_than_allowed_are_refused() -> None:
    files = [Member(name=b"%d" % number, content=os.urandom(99_000)) for number in range(11)]

    assert refused(forged_zip(files)) == "archive_too_large"


@given(noise=st.binary(max_size=200), tail=st.binary(max_size=40))
def test_noise_is_refused_and_never_a_fault(noise: bytes, tail: bytes) -> None:
    for archive in (noise, noise + b"PK\x05\x06" + tail, noise + honest_zip({"a": b"b"}) + tail):
        with suppress(ApiError):
            read(archive)


@given(place=st.integers(0, 10_000), flip=st.integers(1, 255))
def test_a_flipped_byte_never_gives_another_photo(place: int, flip: int) -> None:
    files = {"a.jpg": b"photo" * 50, "b.jpg": b"other" * 50}
    archive = bytearray(honest_zip(files, compression=zipfile.ZIP_DEFLATED))
    archive[place % len(archive)] ^= flip

    try:
        found = read(bytes(archive))
    except ApiError:
        return
    for name, content in found.items():
        assert isinstance(content, str) or content in files.values(), name
