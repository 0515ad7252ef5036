"""Resumable uploads on the imitation and on a real server."""

import threading
import time

import pytest
import redis

from api.resumable.pieces import Piece
from api.resumable.redis_uploads import RedisUploads
from api.resumable.uploads import MOST_PIECES, Appended, NewUpload, Quota, Upload

QUOTA = Quota(uploads=3, total_bytes=1000)
NEW = NewUpload(id="upload_1", owner="ann", length_bytes=100, metadata="name YQ==")


@pytest.fixture(params=["fake_redis", pytest.param("real_redis", marks=pytest.mark.redis)])
def client(request: pytest.FixtureRequest) -> redis.Redis:
    client: redis.Redis = request.getfixturevalue(request.param)
    return client


@pytest.fixture
def uploads(client: redis.Redis) -> RedisUploads:
    return RedisUploads(client, ttl_seconds=60)


def made(uploads: RedisUploads, new: NewUpload = NEW) -> Upload:
    upload = uploads.create(new, QUOTA)
    assert upload is not None
    return upload


def piece(key: str, size_bytes: int = 40) -> Piece:
    return Piece(key=key, size_bytes=size_bytes)


def noted(found: Appended) -> Upload:
    assert found.is_noted
    assert found.upload is not None
    return found.upload


def test_an_upload_begins_empty_and_is_its_owner_s(uploads: RedisUploads) -> None:
    upload = made(uploads)

    assert (upload.offset_bytes, upload.length_bytes, upload.metadata) == (0, 100, "name YQ==")
    assert upload.expires_ms - upload.created_ms == 60_000
    assert uploads.get("upload_1", owner="ann") == upload
    assert uploads.get("upload_1", owner="bob") is None
    assert uploads.get("upload_2", owner="ann") is None


def test_creating_it_again_changes_nothing(uploads: RedisUploads) -> None:
    upload = noted(uploads.append(made(uploads), [piece("a")]))

    assert uploads.create(NEW, QUOTA) == upload
    assert made(uploads, NewUpload(id="upload_2", owner="ann", length_bytes=900)).id == "upload_2"


def test_pieces_move_the_offset_in_their_order(uploads: RedisUploads) -> None:
    upload = noted(uploads.append(made(uploads), [piece("a"), piece("b", 20)]))
    upload = noted(uploads.append(upload, [piece("c")]))

    assert upload.offset_bytes == 100
    assert upload.is_complete
    assert uploads.pieces(upload) == (piece("a"), piece("b", 20), piece("c"))


def test_said_again_a_piece_is_noted_once(uploads: RedisUploads) -> None:
    begun = made(uploads)
    first = uploads.append(begun, [piece("a")])

    assert uploads.append(begun, [piece("a")]) == first
    assert uploads.pieces(begun) == (piece("a"),)


def test_of_two_at_one_offset_the_first_wins(uploads: RedisUploads) -> None:
    begun = made(uploads)
    first = noted(uploads.append(begun, [piece("a")]))

    assert uploads.append(begun, [piece("b")]) == Appended(upload=first, is_noted=False)
    assert uploads.pieces(begun) == (piece("a"),)


def test_nothing_is_noted_beyond_the_announced_length(uploads: RedisUploads) -> None:
    begun = made(uploads)

    assert uploads.append(begun, [piece("a", 60), piece("b", 41)]) == Appended(
        upload=begun, is_noted=False
    )
    assert uploads.pieces(begun) == ()


def test_an_upload_in_crumbs_is_refused(uploads: RedisUploads) -> None:
    begun = made(uploads, NewUpload(id="u", owner="ann", length_bytes=999))
    upload = begun
    for number in range(10):
        many = [piece(f"{number}.{place}", 0) for place in range(MOST_PIECES // 10)]
        upload = noted(uploads.append(upload, many))

    assert uploads.append(upload, [piece("last", 1)]) == Appended(upload=upload, is_noted=False)


def test_an_upload_that_is_gone_takes_nothing(uploads: RedisUploads) -> None:
    upload = made(uploads)
    uploads.append(upload, [piece("a")])

    assert uploads.delete(upload) == (piece("a"),)

    assert uploads.append(upload, [piece("b")]) == Appended(upload=None, is_noted=False)
    assert uploads.delete(upload) == ()
    assert uploads.get("upload_1", owner="ann") is None


def test_the_quota_counts_uploads_and_bytes_of_one_owner(uploads: RedisUploads) -> None:
    def create(name: str, length: int, owner: str = "ann") -> bool:
        new = NewUpload(id=name, owner=owner, length_bytes=length)
        return uploads.create(new, QUOTA) is not None

    assert create("a", 600)
    assert not create("b", 401)
    assert create("b", 400)
    assert create("c", 0)
    assert not create("d", 0)
    assert create("d", 1000, owner="bob")
    uploads.delete(made(uploads, NewUpload(id="a", owner="ann", length_bytes=600)))
    assert create("d", 600)


def test_what_has_expired_counts_no_more(client: redis.Redis) -> None:
    brief = RedisUploads(client, ttl_seconds=1)
    made(brief, NewUpload(id="a", owner="ann", length_bytes=1000))
    time.sleep(1.1)

    assert brief.get("a", owner="ann") is None
    assert made(brief, NewUpload(id="b", owner="ann", length_bytes=1000)).offset_bytes == 0


def test_nothing_stays_for_ever(client: redis.Redis, uploads: RedisUploads) -> None:
    uploads.append(made(uploads), [piece("a")])

    ttls = [int(str(client.pttl(key))) for key in client.scan_iter("fs:{uploads:*")]

    assert len(ttls) == 4
    assert all(0 < ttl <= 60_000 for ttl in ttls)


@pytest.mark.redis
def test_however_many_go_on_at_once_every_byte_is_noted_once(real_redis: redis.Redis) -> None:
    """Many clients push one upload on; the pieces that were noted are the upload, without gaps."""
    uploads = RedisUploads(real_redis, ttl_seconds=60)
    length = 400
    made(uploads, NewUpload(id="u", owner="ann", length_bytes=length))
    won: list[tuple[int, Piece]] = []
    lock = threading.Lock()

    def push(name: int) -> None:
        mine = 0
        while (upload := uploads.get("u", owner="ann")) is not None and not upload.is_complete:
            size = min(1 + (name + mine) % 7, upload.length_bytes - upload.offset_bytes)
            one = piece(f"{name}.{mine}", size)
            mine += 1
            if uploads.append(upload, [one]).is_noted:
                with lock:
                    won.append((upload.offset_bytes, one))

    threads = [threading.Thread(target=push, args=(name,)) for name in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    ended = uploads.get("u", owner="ann")
    assert ended is not None
    won.sort(key=lambda pair: pair[0])
    assert tuple(one for _, one in won) == uploads.pieces(ended)
    expected = 0
    for offset, one in won:
        assert offset == expected
        expected += one.size_bytes
    assert expected == length
