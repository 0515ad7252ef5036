import io

import pytest

from api.batches.archive_limits import ArchiveLimits
from api.batches.entries import Refused
from api.batches.manifest import Reference, manifest_lines
from api.errors import ApiError

LIMITS = ArchiveLimits(entries=5, item_bytes=10, total_bytes=10, ratio=2)


def read(text: bytes) -> list[Reference | Refused]:
    return list(manifest_lines(io.BytesIO(text), LIMITS))


def test_lines_name_uploads_and_addresses() -> None:
    text = b'{"id": "a", "upload": "upload_1"}\r\n\n{"url": "https://example.org/b.jpg"}'

    assert read(text) == [
        Reference(id="a", kind="upload", place="upload_1"),
        Reference(id="https://example.org/b.jpg", kind="url", place="https://example.org/b.jpg"),
    ]


@pytest.mark.parametrize(
    "line",
    [
        b"nonsense",
        b"[]",
        b"1",
        b"[" * 10_000,
        b"{}",
        b'{"id": "a"}',
        b'{"upload": "u", "url": "https://example.org"}',
        b'{"upload": "u", "options": {}}',
        b'{"upload": 1}',
        b'{"upload": ""}',
        b"\xff",
        b'{"id": "\\ud800", "upload": "u"}',
    ],
)
def test_a_line_that_can_t_be_read_is_refused_alone(line: bytes) -> None:
    found, after = read(line + b'\n{"upload": "u"}')

    assert isinstance(found, Refused)
    assert (found.id, found.code) == ("entry-1", "invalid_line")
    assert after == Reference(id="u", kind="upload", place="u")


@pytest.mark.parametrize("name", ["../a", "/a", "a\\u0000", "x" * 201])
def test_an_id_that_leads_astray_is_refused(name: str) -> None:
    [found] = read(b'{"id": "%s", "upload": "u"}' % name.encode())

    assert isinstance(found, Refused)
    assert (found.id, found.code) == ("entry-1", "unsafe_name")


def test_more_lines_than_allowed_end_it() -> None:
    with pytest.raises(ApiError) as raised:
        read(b'{"upload": "u"}\n' * 6)

    assert raised.value.code == "batch_too_large"


def test_a_line_without_end_is_not_kept() -> None:
    with pytest.raises(ApiError) as raised:
        read(b"x" * 200_000)

    assert raised.value.code == "invalid_request"
