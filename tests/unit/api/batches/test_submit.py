import gzip
import io
import tarfile
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from api.services import Services
from tests.unit.api.batches.forged import Member, forged_zip, honest_tar, honest_zip
from tests.unit.api.batches.told import blobs, counts, errors, upload

Tiny = Callable[[int], bytes]
Send = Callable[..., TestResponse]
ZIP = "application/zip"


@pytest.mark.parametrize(
    ("kind", "pack"),
    [
        (ZIP, honest_zip),
        ("application/x-tar", honest_tar),
        ("application/gzip", lambda files: gzip.compress(honest_tar(files))),
    ],
)
def test_an_archive_becomes_a_closed_batch_with_an_item_for_each_file(
    send: Send, tiny: Tiny, parts: Services, kind: str, pack: Callable[[Any], bytes]
) -> None:
    files = {f"{number}.jpg": tiny(number) for number in range(10)}

    answer = send(pack(files), kind)

    body = answer.get_json()
    assert answer.status_code == 202
    assert answer.headers["Location"] == f"/api/v1/batch/status/{body['id']}"
    assert counts(body) == (10, 0)
    assert body["state"] == "running"
    assert body["intake"] == {"state": "complete", "code": None}
    assert body["receipt"] == {
        "received": 10,
        "added": 10,
        "known": 0,
        "refused": 0,
        "conflicts": [],
    }
    # Nothing is left of what was put aside to be read.
    assert {key.partition(".")[0] for key in blobs(parts)} == {body["id"]}


def test_what_is_no_photo_is_an_item_that_failed(
    send: Send, client: FlaskClient, tiny: Tiny, photo: Callable[..., bytes]
) -> None:
    members = [
        Member(name=b"good.jpg", content=tiny(1)),
        Member(name=b"empty.jpg", content=b""),
        Member(name=b"note.txt", content=b"hello"),
        Member(name=b"cut.jpg", content=tiny(2)[:30]),
        Member(name=b"huge.png", content=photo("PNG", size=(2000, 2000))),
        Member(name=b"moving.webp", content=photo("WEBP", frames=3)),
        Member(name=b"inner.zip", content=honest_zip({"a": b"b"})),
        Member(name=b"inner.tar", content=honest_tar({"a": b"b"})),
        Member(name=b"../up.jpg", content=tiny(3)),
        Member(name=b"link.jpg", content=b"/etc/passwd", mode=0o120777),
        Member(name=b"secret.jpg", content=tiny(4), flags=1),
        Member(name=b"wrong.jpg", content=tiny(5), crc=1),
        Member(name=b"good.jpg", content=tiny(6)),
    ]

    body = send(forged_zip(members), ZIP).get_json()

    assert counts(body) == (13, 12)
    assert body["receipt"]["refused"] == 12
    assert errors(client, body) == {
        "empty.jpg": "image_empty",
        "note.txt": "invalid_image_format",
        "cut.jpg": "image_unreadable",
        "huge.png": "image_too_large",
        "moving.webp": "animated_image",
        "inner.zip": "nested_archive",
        "inner.tar": "nested_archive",
        "entry-9": "unsafe_name",
        "link.jpg": "unsupported_entry",
        "secret.jpg": "encrypted_entry",
        "wrong.jpg": "entry_damaged",
        "duplicate-13": "duplicate_item",
    }


@pytest.mark.parametrize(
    ("content", "code", "status"),
    [
        (b"", "archive_damaged", 422),
        (b"PK\x03\x04 and nothing", "archive_damaged", 422),
        (b"\xff\xd8\xff" + honest_zip({"a": b"b"}), "archive_damaged", 422),
        (
            honest_zip({str(number): bytes(90_000) for number in range(30)}),
            "archive_too_large",
            413,
        ),
        (
            honest_zip({str(number): bytes(99_000) for number in range(19)}, compression=8),
            "archive_bomb",
            413,
        ),
        (honest_zip({str(number): b"" for number in range(901)}), "batch_too_large", 413),
    ],
)
def test_an_archive_that_is_an_attack_makes_no_batch(
    send: Send, client: FlaskClient, parts: Services, content: bytes, code: str, status: int
) -> None:
    answer = send(content, ZIP)

    assert (answer.status_code, answer.get_json()["code"]) == (status, code)
    assert "batch" not in answer.get_json()
    assert client.get("/api/v1/batch/list").get_json()["items"] == []
    assert blobs(parts) == set()


def test_an_empty_archive_makes_no_batch(send: Send, client: FlaskClient) -> None:
    assert send(honest_zip({}), ZIP).get_json()["code"] == "batch_empty"
    assert client.get("/api/v1/batch/list").get_json()["items"] == []


@pytest.mark.parametrize(("wish", "state"), [("keep", "open"), ("close", "running")])
def test_what_came_before_a_cut_is_kept(
    send: Send, client: FlaskClient, tiny: Tiny, wish: str, state: str
) -> None:
    files = {f"{number}.jpg": tiny(number) for number in range(6)}
    archive = honest_tar(files, format_=tarfile.USTAR_FORMAT)
    cut = archive[: 3 * (512 + 1024) + 100]

    answer = send(cut, query=f"incomplete={wish}")

    batch = answer.get_json()["batch"]
    assert (answer.status_code, answer.get_json()["code"]) == (422, "archive_truncated")
    assert counts(batch)[0] == len(cut) // (512 + 1024)
    assert batch["state"] == state
    assert batch["intake"] == {"state": "incomplete", "code": "archive_truncated"}
    assert client.get(batch["links"]["self"]).get_json()["intake"]["state"] == "incomplete"


def test_sending_it_again_with_its_key_goes_on_where_it_broke_off(send: Send, tiny: Tiny) -> None:
    files = {f"{number}.jpg": tiny(number) for number in range(6)}
    archive = honest_tar(files, format_=tarfile.USTAR_FORMAT)
    before = send(archive[:4000], key="folder-1").get_json()["batch"]

    body = send(archive, key="folder-1").get_json()

    assert body["id"] == before["id"]
    assert counts(body) == (6, 0)
    assert body["receipt"]["known"] == before["counts"]["total"] > 0
    assert body["state"] == "running"
    assert body["intake"]["state"] == "complete"


@pytest.mark.parametrize("kind", [ZIP, "application/x-tar"])
def test_a_request_that_was_done_is_answered_again_and_stores_nothing(
    send: Send, tiny: Tiny, parts: Services, work: Callable[..., None], kind: str
) -> None:
    pack = honest_zip if kind == ZIP else honest_tar
    archive = pack({f"{number}.jpg": tiny(number) for number in range(3)})
    first = send(archive, kind, key="k")
    work()
    for key in blobs(parts):
        parts.blobs.delete(key)

    again = send(archive, kind, key="k")

    assert "Idempotency-Replayed" not in first.headers
    assert again.status_code == 202
    assert again.get_json()["id"] == first.get_json()["id"]
    assert again.headers["Idempotency-Replayed"] == "true"
    assert counts(again.get_json()) == (3, 0)
    assert again.get_json()["receipt"]["known"] == 3
    assert blobs(parts) == set()


def test_the_same_key_for_other_photos_or_options_is_refused(send: Send, tiny: Tiny) -> None:
    first = send(honest_tar({"a": tiny(1)}), key="k")

    others = [
        send(honest_tar({"a": tiny(2)}), key="k"),
        send(honest_tar({"a": tiny(1), "b": tiny(2)}), key="k"),
        send(honest_tar({"a": tiny(1)}), key="k", query="analyses=detection"),
    ]

    assert first.status_code == 202
    assert [(one.status_code, one.get_json()["code"]) for one in others] == [
        (409, "idempotency_conflict")
    ] * 3


def test_a_batch_has_no_more_items_than_allowed(send: Send) -> None:
    answer = send(honest_tar({f"{number}.jpg": b"no photo" for number in range(451)}))

    assert (answer.status_code, answer.get_json()["code"]) == (413, "batch_too_large")


def test_with_a_full_queue_nothing_is_read(send: Send, client: FlaskClient, tiny: Tiny) -> None:
    client.post("/api/v1/face/analyze", data={"image": (io.BytesIO(tiny(1)), "a.jpg")})

    answer = send(b"no archive at all", ZIP)

    assert (answer.status_code, answer.get_json()["code"]) == (503, "queue_full")
    assert int(answer.headers["Retry-After"]) > 0


@pytest.mark.parametrize("kind", ["application/x-tar", "application/x-ndjson"])
def test_a_broken_connection_leaves_what_had_arrived(
    client: FlaskClient, tiny: Tiny, kind: str
) -> None:
    if kind == "application/x-tar":
        body = honest_tar({f"{number}": tiny(number) for number in range(9)})
    else:
        names = [upload(client, tiny(number)) for number in range(9)]
        body = "".join(f'{{"upload": "{name}"}}\n' for name in names).encode()

    answer = client.post(
        "/api/v1/batch/submit",
        input_stream=io.BytesIO(body[: len(body) // 2]),
        content_type=kind,
        environ_overrides={"CONTENT_LENGTH": str(len(body))},
    )

    [batch] = client.get("/api/v1/batch/list").get_json()["items"]
    assert (answer.status_code, answer.get_json()["code"]) == (408, "upload_incomplete")
    assert batch["state"] == "open"
    assert batch["intake"] == {"state": "incomplete", "code": "upload_incomplete"}
    assert 0 < counts(batch)[0] < 9


def test_requests_for_one_batch_at_once_make_one(
    client: FlaskClient, send: Send, tiny: Tiny
) -> None:
    archive = honest_tar({f"{number}": tiny(number) for number in range(20)})
    answers: list[TestResponse] = []
    threads = [
        threading.Thread(target=lambda: answers.append(send(archive, key="k"))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert {one.status_code for one in answers} == {202}
    [batch] = client.get("/api/v1/batch/list").get_json()["items"]
    assert counts(batch) == (20, 0)


@pytest.fixture(autouse=True)
def _all_ended() -> Iterator[None]:
    yield
    windows = [one for one in threading.enumerate() if one.name.startswith("window")]
    assert windows == []
