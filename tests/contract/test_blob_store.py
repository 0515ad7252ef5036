"""Every blob store keeps the same promises: in memory, and through obstore on a local folder."""

import io
import os
import tempfile
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from workers.blobs.obstore_store import IDENTITY_PREFIX, PREFIX, open_blobs
from workers.blobs.store import BlobStore, Content, MemoryBlobs
from workers.errors import BlobMissing, BlobStoreFailed


@dataclass(kw_only=True)
class Subject:
    blobs: BlobStore
    #: Makes a key look stored that long ago.
    age: Callable[[str, float], None]


@pytest.fixture(params=["memory", "local"])
def subject(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Subject]:
    if request.param == "memory":
        now = [time.time()]
        born: dict[str, float] = {}

        class AgedBlobs(MemoryBlobs):
            def put(self, key: str, content: Content) -> None:
                now[0] = time.time() - born.get(key, 0)
                super().put(key, content)
                now[0] = time.time()

        blobs = AgedBlobs(clock=lambda: now[0])

        def age(key: str, seconds: float) -> None:
            born[key] = seconds
            blobs.put(key, blobs.get(key))

        yield Subject(blobs=blobs, age=age)
    else:
        folder = tmp_path / "blobs of mine"

        def age_file(key: str, seconds: float) -> None:
            then = time.time() - seconds
            os.utime(folder / PREFIX / key, (then, then))

        yield Subject(blobs=open_blobs(folder.as_uri()), age=age_file)


def test_what_was_put_is_got_back(subject: Subject) -> None:
    content = bytes(range(256)) * 1000

    subject.blobs.put("job_1", content)

    assert subject.blobs.get("job_1") == content


def _parts(count: int, *, broken: bool = False) -> Generator[bytes, None, None]:
    for number in range(count):
        yield bytes([number]) * 1_000_000
    if broken:
        raise LookupError("no more")


def test_parts_that_are_made_one_by_one_are_stored_as_one(subject: Subject) -> None:
    subject.blobs.put("job_1", _parts(12))

    assert subject.blobs.get("job_1") == b"".join(_parts(12))


def test_parts_that_break_off_leave_what_was_there(subject: Subject) -> None:
    subject.blobs.put("job_1", b"before")

    with pytest.raises(LookupError, match="no more"):
        subject.blobs.put("job_1", _parts(12, broken=True))

    assert subject.blobs.get("job_1") == b"before"
    assert [*subject.blobs.older_than(-3600)] == ["job_1"]


def test_a_part_is_got_without_the_rest(subject: Subject) -> None:
    content = bytes(range(256)) * 1000
    subject.blobs.put("job_1", content)

    assert subject.blobs.part("job_1", first=1000, size_bytes=77) == content[1000:1077]
    assert subject.blobs.part("job_1", first=255_990, size_bytes=77) == content[255_990:]
    assert subject.blobs.part("job_1", first=256_000, size_bytes=77) == b""


def test_a_part_of_nothing_is_missing(subject: Subject) -> None:
    with pytest.raises(BlobMissing):
        subject.blobs.part("job_1", first=0, size_bytes=1)


def test_a_file_is_stored_from_its_beginning_wherever_it_stands(subject: Subject) -> None:
    content = bytes(range(256)) * 50_000
    with tempfile.TemporaryFile() as file:
        file.write(content)

        subject.blobs.put("job_1", file)
        subject.blobs.put("job_2", io.BytesIO(b"short"))

        assert not file.closed
    assert subject.blobs.get("job_1") == content
    assert subject.blobs.get("job_2") == b"short"


def test_a_file_that_breaks_off_is_not_stored_at_all(tmp_path: Path) -> None:
    class Breaking(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell() > 11_000_000:
                raise OSError("the disk broke")
            return super().read(size)

    blobs = open_blobs(tmp_path.as_uri())

    with pytest.raises(BlobStoreFailed):
        blobs.put("job_1", Breaking(bytes(12_000_000)))

    with pytest.raises(BlobMissing):
        blobs.get("job_1")


def test_putting_again_replaces(subject: Subject) -> None:
    subject.blobs.put("job_1", b"first")
    subject.blobs.put("job_1", b"second")

    assert subject.blobs.get("job_1") == b"second"


def test_an_unknown_key_is_missing(subject: Subject) -> None:
    with pytest.raises(BlobMissing):
        subject.blobs.get("job_x")


def test_a_deleted_blob_is_gone_and_deleting_again_changes_nothing(subject: Subject) -> None:
    subject.blobs.put("job_1", b"x")

    subject.blobs.delete("job_1")
    subject.blobs.delete("job_1")

    with pytest.raises(BlobMissing):
        subject.blobs.get("job_1")


def test_only_old_blobs_are_listed_as_old(subject: Subject) -> None:
    for key in ("old", "young"):
        subject.blobs.put(key, b"x")
    subject.age("old", 120)

    assert list(subject.blobs.older_than(60)) == ["old"]


def test_a_local_store_is_closed_to_other_users_and_writes_whole_files(tmp_path: Path) -> None:
    folder = tmp_path / "blobs"
    blobs = open_blobs(folder.as_uri())

    blobs.put("job_1", b"content")

    assert folder.stat().st_mode & 0o077 == 0
    assert [path for path in folder.rglob("*") if path.is_file()] == [folder / PREFIX / "job_1"]


def test_what_others_keep_in_the_same_place_is_never_listed(tmp_path: Path) -> None:
    blobs = open_blobs(tmp_path.as_uri())
    (tmp_path / "2024").mkdir()
    for path in (tmp_path / "holiday.jpg", tmp_path / "2024" / "b.jpg"):
        path.write_bytes(b"not ours")
    blobs.put("job_1", b"x")

    assert list(blobs.older_than(-60)) == ["job_1"]


def test_parts_of_one_store_know_nothing_of_each_other(tmp_path: Path) -> None:
    jobs = open_blobs(tmp_path.as_uri())
    people = open_blobs(tmp_path.as_uri(), prefix=IDENTITY_PREFIX)
    people.put("identity_1", b"a kept photo")
    jobs.put("job_1", b"x")

    # Whoever sweeps the images of jobs must not even see what is kept of people.
    assert list(jobs.older_than(-60)) == ["job_1"]
    jobs.delete("identity_1")

    assert list(people.older_than(-60)) == ["identity_1"]
    assert people.get("identity_1") == b"a kept photo"
    with pytest.raises(BlobMissing):
        jobs.get("identity_1")


def test_what_a_killed_writer_left_half_written_is_deleted_when_old(tmp_path: Path) -> None:
    blobs = open_blobs(tmp_path.as_uri())
    blobs.put("job_1", b"whole")
    old, young = (tmp_path / PREFIX / f"job_{number}#1" for number in (2, 3))
    for path in (old, young):
        path.write_bytes(b"half of a photo")
    then = time.time() - 1000
    os.utime(old, (then, then))

    assert list(blobs.older_than(900)) == []
    assert (old.exists(), young.exists()) == (False, True)


def test_a_writer_that_ends_while_its_folder_is_looked_through_disturbs_nobody(
    tmp_path: Path,
) -> None:
    blobs = open_blobs(tmp_path.as_uri())
    blobs.put("job_1", b"whole")
    # Listed, and not there when it is looked at: as a file that was renamed in between.
    (tmp_path / PREFIX / "job_2#1").symlink_to(tmp_path / "renamed")

    assert list(blobs.older_than(-60)) == ["job_1"]


@pytest.mark.parametrize("url", ["nonsense", "file:///proc/nowhere/at-all"])
def test_a_store_that_can_t_be_opened_is_told(url: str) -> None:
    with pytest.raises(BlobStoreFailed, match=url.removeprefix("file://")):
        open_blobs(url)


def test_a_store_that_refuses_a_write_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "blobs"
    blobs = open_blobs(folder.as_uri())
    folder.rmdir()
    folder.write_text("a file where the folder was")

    with pytest.raises(BlobStoreFailed):
        blobs.put("job_1", b"x")
