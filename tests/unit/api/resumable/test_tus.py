import base64
import hashlib
import io
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from api.principal import LOCAL
from api.resumable.pieces import PIECE_BYTES, PieceFile
from api.resumable.uploads import NewUpload, Quota
from api.services import Services
from workers.blobs.store import MemoryBlobs
from workers.settings.process import Settings

VERSION = {"Tus-Resumable": "1.0.0"}
PART = {**VERSION, "Content-Type": "application/offset+octet-stream"}


@pytest.fixture
def settings() -> Settings:
    return Settings(
        auth="off", upload_max_bytes=20_000_000, upload_quota_count=3, upload_quota_bytes=30_000_000
    )


@pytest.fixture
def announce(client: FlaskClient) -> Callable[..., str]:
    """Makes an upload; its address."""

    def _announce(length: int, **headers: str) -> str:
        given = {**VERSION, "Upload-Length": str(length), **headers}
        answer = client.post("/api/v1/uploads", headers=given)
        assert answer.status_code == 201, answer.text
        return answer.headers["Location"]

    return _announce


@pytest.fixture
def append(client: FlaskClient) -> Callable[..., TestResponse]:
    """Sends a part."""

    def _append(place: str, offset: int, content: bytes, **headers: str) -> TestResponse:
        given = {**PART, "Upload-Offset": str(offset), **headers}
        return client.patch(place, headers=given, data=content)

    return _append


def stored(parts: Services, place: str) -> bytes:
    """What has arrived of an upload."""
    upload = parts.uploads.get(place.rpartition("/")[2], owner=LOCAL.user_id)
    assert upload is not None
    file = PieceFile(parts.uploads.pieces(upload), parts.blobs)
    return file.read_at(0, upload.length_bytes)


def blobs(parts: Services) -> list[str]:
    assert isinstance(parts.blobs, MemoryBlobs)
    return list(parts.blobs.older_than(-1000))


def checksum(content: bytes, algorithm: str = "sha1") -> dict[str, str]:
    digest = hashlib.new(algorithm, content).digest()
    return {"Upload-Checksum": f"{algorithm} {base64.b64encode(digest).decode()}"}


def test_the_server_says_what_it_knows(client: FlaskClient) -> None:
    answer = client.options("/api/v1/uploads")

    assert answer.status_code == 204
    assert answer.headers["Tus-Resumable"] == answer.headers["Tus-Version"] == "1.0.0"
    assert answer.headers["Tus-Extension"] == "creation,termination,checksum,expiration"
    assert answer.headers["Tus-Checksum-Algorithm"] == "sha1,sha256,md5"
    assert answer.headers["Tus-Max-Size"] == "20000000"


def test_an_upload_goes_on_where_it_is(
    client: FlaskClient,
    parts: Services,
    announce: Callable[..., str],
    append: Callable[..., TestResponse],
) -> None:
    place = announce(11, **{"Upload-Metadata": "filename YS56aXA=,empty"})

    first = append(place, 0, b"hello")
    asked = client.head(place, headers=VERSION)
    second = append(place, 5, b" world")

    assert (first.status_code, first.headers["Upload-Offset"]) == (204, "5")
    assert asked.headers["Upload-Offset"] == "5"
    assert asked.headers["Upload-Length"] == "11"
    assert asked.headers["Upload-Metadata"] == "filename YS56aXA=,empty"
    assert asked.headers["Cache-Control"] == "no-store"
    assert "GMT" in asked.headers["Upload-Expires"]
    assert (second.status_code, second.headers["Upload-Offset"]) == (204, "11")
    assert stored(parts, place) == b"hello world"


def test_a_part_larger_than_a_piece_is_stored_in_several(
    parts: Services, announce: Callable[..., str], append: Callable[..., TestResponse]
) -> None:
    content = bytes(range(256)) * (PIECE_BYTES // 256) * 2 + b"the rest"
    place = announce(len(content))

    assert append(place, 0, content).headers["Upload-Offset"] == str(len(content))

    assert len(blobs(parts)) == 3
    assert stored(parts, place) == content


def test_at_another_offset_nothing_is_taken(
    client: FlaskClient, announce: Callable[..., str], append: Callable[..., TestResponse]
) -> None:
    place = announce(10)
    append(place, 0, b"12345")

    again = append(place, 0, b"12345")
    ahead = append(place, 7, b"678")

    for answer in (again, ahead):
        assert (answer.status_code, answer.get_json()["code"]) == (409, "upload_offset_conflict")
        assert answer.get_json()["offset"] == 5
    assert client.head(place, headers=VERSION).headers["Upload-Offset"] == "5"


def test_a_broken_connection_keeps_what_had_arrived(
    client: FlaskClient, parts: Services, announce: Callable[..., str]
) -> None:
    place = announce(100)

    answer = client.patch(
        place,
        headers={**PART, "Upload-Offset": "0"},
        input_stream=io.BytesIO(b"x" * 40),
        environ_overrides={"CONTENT_LENGTH": "100"},
    )

    assert answer.status_code == 408
    assert client.head(place, headers=VERSION).headers["Upload-Offset"] == "40"
    assert stored(parts, place) == b"x" * 40


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "md5"])
def test_a_part_with_its_checksum_is_taken(
    announce: Callable[..., str], append: Callable[..., TestResponse], algorithm: str
) -> None:
    assert append(announce(5), 0, b"hello", **checksum(b"hello", algorithm)).status_code == 204


def test_a_part_that_arrived_changed_leaves_nothing(
    client: FlaskClient,
    parts: Services,
    announce: Callable[..., str],
    append: Callable[..., TestResponse],
) -> None:
    place = announce(5)

    answer = append(place, 0, b"hellO", **checksum(b"hello"))

    assert (answer.status_code, answer.get_json()["code"]) == (460, "upload_checksum_mismatch")
    assert client.head(place, headers=VERSION).headers["Upload-Offset"] == "0"
    assert blobs(parts) == []


@pytest.mark.parametrize(
    "value", ["sha1", "sha1 ***", "crc32 AAAA", "sha1 AAAA", "sha256 " + "A" * 28, ""]
)
def test_a_checksum_that_can_t_be_read_is_refused(
    announce: Callable[..., str], append: Callable[..., TestResponse], value: str
) -> None:
    answer = append(announce(5), 0, b"hello", **{"Upload-Checksum": value})

    assert (answer.status_code, answer.get_json()["code"]) == (400, "invalid_request")


def test_more_than_was_announced_is_refused(
    announce: Callable[..., str], append: Callable[..., TestResponse], parts: Services
) -> None:
    answer = append(announce(5), 0, b"hello!")

    assert (answer.status_code, answer.get_json()["code"]) == (413, "upload_too_large")
    assert blobs(parts) == []


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"Upload-Length": "5"}, 412, "upload_version_unsupported"),
        ({"Tus-Resumable": "0.2.2", "Upload-Length": "5"}, 412, "upload_version_unsupported"),
        (VERSION, 400, "missing_field"),
        ({**VERSION, "Upload-Defer-Length": "1"}, 400, "missing_field"),
        ({**VERSION, "Upload-Length": "-1"}, 422, "validation_error"),
        ({**VERSION, "Upload-Length": "1e3"}, 422, "validation_error"),
        ({**VERSION, "Upload-Length": "9" * 30}, 422, "validation_error"),
        ({**VERSION, "Upload-Length": "20000001"}, 413, "upload_too_large"),
        ({**VERSION, "Upload-Length": "5", "Upload-Metadata": "a ***"}, 422, "validation_error"),
        ({**VERSION, "Upload-Length": "5", "Upload-Metadata": "a QQ==,a"}, 422, "validation_error"),
        (
            {**VERSION, "Upload-Length": "5", "Upload-Metadata": "a," * 3000},
            422,
            "validation_error",
        ),
    ],
)
def test_an_announcement_that_can_t_be_kept_is_refused(
    client: FlaskClient, headers: dict[str, str], status: int, code: str
) -> None:
    answer = client.post("/api/v1/uploads", headers=headers)

    assert (answer.status_code, answer.get_json()["code"]) == (status, code)
    assert answer.headers["Tus-Resumable"] == "1.0.0"
    assert ("Tus-Version" in answer.headers) == (status == 412)


def test_an_owner_has_so_many_and_so_large_uploads(
    client: FlaskClient, announce: Callable[..., str]
) -> None:
    first = announce(15_000_000)
    large = client.post("/api/v1/uploads", headers={**VERSION, "Upload-Length": "15000001"})
    announce(1)
    announce(1)
    fourth = client.post("/api/v1/uploads", headers={**VERSION, "Upload-Length": "1"})
    client.delete(first, headers=VERSION)

    for answer in (large, fourth):
        assert (answer.status_code, answer.get_json()["code"]) == (429, "upload_quota_exceeded")
    announce(15_000_000)


def test_what_was_deleted_is_gone_with_its_bytes(
    client: FlaskClient,
    parts: Services,
    announce: Callable[..., str],
    append: Callable[..., TestResponse],
) -> None:
    place = announce(5)
    append(place, 0, b"hello")

    assert client.delete(place, headers=VERSION).status_code == 204

    assert client.head(place, headers=VERSION).status_code == 404
    assert append(place, 5, b"").status_code == 404
    assert client.delete(place, headers=VERSION).status_code == 404
    assert blobs(parts) == []


def test_another_s_upload_is_not_there(
    client: FlaskClient, parts: Services, append: Callable[..., TestResponse]
) -> None:
    name = "upload_" + "1" * 32
    new = NewUpload(id=name, owner="somebody-else", length_bytes=5)
    assert parts.uploads.create(new, Quota(uploads=1, total_bytes=10))
    place = f"/api/v1/uploads/{name}"

    assert client.head(place, headers=VERSION).status_code == 404
    assert append(place, 0, b"hello").get_json()["code"] == "upload_not_found"
    assert client.delete(place, headers=VERSION).status_code == 404


def test_a_part_of_another_type_is_refused(
    client: FlaskClient, announce: Callable[..., str]
) -> None:
    headers = {**VERSION, "Upload-Offset": "0", "Content-Type": "image/jpeg"}

    assert client.patch(announce(5), headers=headers, data=b"hello").status_code == 415


def test_the_same_announcement_with_a_key_makes_one(announce: Callable[..., str]) -> None:
    key = {"Idempotency-Key": "k"}

    assert announce(5, **key) == announce(5, **key)
    assert announce(5) != announce(5)
