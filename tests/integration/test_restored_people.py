"""Known people in several processes: found at once, forgotten at once, and not brought back.

The store is a real server of the test's own. Its files, and those of the blob store, are put back
from before a deletion; what was deleted stays unreadable, and everybody else is there.
"""

import json
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.integration.people_process import HELD_SECONDS, UID, face_id, vector_of

pytestmark = [pytest.mark.redis, pytest.mark.fleet]
PEOPLE = [f"person{number:02}" for number in range(12)]
GONE, STAYS = "person07", "person08"


class Process:
    """Another process that knows people."""

    def __init__(self, port: int, folder: Path, root: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.integration.people_process", str(port), str(folder)],
            cwd=root,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, do: str, **order: object) -> Any:  # noqa: ANN401 - whatever comes of it
        """Give an order; what came of it, or the name of the error."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"do": do, **order}) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        return answer.get("error", answer.get("answer"))

    def found(self, face: str) -> list[str]:
        """Who is told to resemble a face; nobody unlike it."""
        told = self.ask("search", face=face)["told"].items()
        return [name.removeprefix("The name of ") for name, one in told if one > 0.5]

    def kill(self) -> None:
        """As `kill -9`."""
        self._process.kill()
        self._process.communicate(timeout=10)


@dataclass
class Town:
    """A store, a key vault, a blob store, and processes."""

    binary: Path
    folder: Path
    root: Path
    port: int
    processes: list[Process] = field(default_factory=list)
    server: subprocess.Popen[bytes] | None = None

    def start(self, kind: str = "aof") -> None:
        """Start the store on the files that are there."""
        (self.folder / "store").mkdir(parents=True, exist_ok=True)
        kinds = "--appendonly yes" if kind == "aof" else "--appendonly no"
        # Not compressed, so that whatever could be read can be seen.
        arguments = f"--bind 127.0.0.1 --port {self.port} --save '' --rdbcompression no {kinds}"
        self.server = subprocess.Popen(
            [str(self.binary), *shlex.split(arguments), "--logfile", "../server.log"],
            cwd=self.folder / "store",
        )
        deadline = time.monotonic() + 60
        with self.client() as client:
            while time.monotonic() < deadline:
                try:
                    if client.ping():
                        return
                except redis.ConnectionError:
                    time.sleep(0.02)
        pytest.fail((self.folder / "server.log").read_text())

    def client(self) -> redis.Redis:
        return redis.Redis(port=self.port, retry=Retry(NoBackoff(), 0), socket_timeout=5)

    def stop(self) -> None:
        """As `kill -9`."""
        if self.server is not None:
            self.server.kill()
            self.server.wait(timeout=60)

    def process(self) -> Process:
        self.processes.append(Process(self.port, self.folder, self.root))
        return self.processes[-1]

    def snapshots(self) -> list[Path]:
        return list((self.folder / "blobs").rglob("identity_index_*"))

    def back_up(self) -> None:
        """Copy the files of the store, of both kinds, and of the blob store; not the keys."""
        with self.client() as client:
            client.save()
        for name in ("store", "blobs"):
            shutil.copytree(self.folder / name, self.folder.parent / "backup" / name)

    def put_back(self) -> None:
        """Put those copies back in the place of what is there."""
        for name in ("store", "blobs"):
            shutil.rmtree(self.folder / name)
            shutil.copytree(self.folder.parent / "backup" / name, self.folder / name)


@pytest.fixture
def town(
    valkey_binary: Path, pick_port: Callable[[], int], tmp_path: Path, root: Path
) -> Iterator[Town]:
    made = Town(binary=valkey_binary, folder=tmp_path / "town", root=root, port=pick_port())
    made.start()
    try:
        yield made
    finally:
        for process in made.processes:
            process.kill()
        made.stop()


def settled(town: Town) -> Process:
    """People are enrolled; the process that did it."""
    process = town.process()
    process.ask("make")
    for name in PEOPLE:
        process.ask("enrol", person=name, faces=[f"{name} a", f"{name} b"])
    return process


def job_id(number: int) -> str:
    return f"job_{number:032x}"


def assert_only_the_others_are_known(process: Process) -> None:
    others = [name for name in PEOPLE if name != GONE]
    assert process.ask("everybody") == {
        name: [f"The name of {name}", f"number of {name}", f"The city of {name}", "2"]
        for name in others
    }
    assert set(process.ask("vectors")) == {face_id(f"{one} {x}") for one in others for x in "ab"}
    for name in others:
        assert process.found(f"{name} a") == [name]
        assert process.ask("photo", face=f"{name} b") == f"The photo of {name} b"
    for face in (f"{GONE} a", f"{GONE} b"):
        assert process.found(face) == []
        assert process.ask("photo", face=face) == "FaceNotFound"


@pytest.mark.parametrize("kind", ["aof", "rdb"])
def test_who_was_deleted_does_not_come_back_with_a_backup_and_everybody_else_does(
    town: Town, kind: str
) -> None:
    first, second = settled(town), town.process()
    assert second.found(f"{GONE} a") == [GONE]
    assert isinstance(second.ask("snapshot"), int)
    town.back_up()
    certificate = first.ask("delete", person=GONE)
    assert first.ask("forget") >= 1
    assert first.ask("certificate", id_=certificate)["keys"] is not None

    town.stop()
    town.put_back()
    town.start(kind)
    time.sleep(HELD_SECONDS)

    # One that has known all of them, and one that knows nobody yet.
    assert len(town.snapshots()) == 1
    new = town.process()
    for process in (second, new):
        assert_only_the_others_are_known(process)
    assert new.ask("search", face=f"{STAYS} a")["faces"] == 2 * (len(PEOPLE) - 1)
    # It may hold who was deleted, so it was of no use to anybody.
    assert town.snapshots() == []


def test_the_store_s_files_tell_nothing_of_anybody(town: Town) -> None:
    process = settled(town)
    for number, name in enumerate(PEOPLE):
        assert process.ask("name", job=job_id(number), face=f"{name} a") == "succeeded"
    process.ask("delete", person=GONE)
    town.back_up()

    contents = [path.read_bytes() for path in town.folder.parent.rglob("*") if path.is_file()]

    assert len(contents) > 10
    for name in PEOPLE:
        vector = vector_of(f"{name} a").astype("<f2").tobytes()
        texts = (b"The name of", b"The city of", b"The photo of", b"number of")
        for text in (vector[:16], vector[-16:], *texts):
            assert not [content for content in contents if text in content]
    # The ids themselves are there: whoever chooses them should know.
    assert [content for content in contents if GONE.encode() in content]


def test_results_name_who_was_deleted_no_more_in_an_old_copy_of_the_store_either(
    town: Town,
) -> None:
    first, second = settled(town), town.process()
    jobs = {name: job_id(number) for number, name in enumerate((GONE, STAYS))}
    for name, job in jobs.items():
        first.ask("name", job=job, face=f"{name} b")
    assert [second.ask("result", job=job) for job in jobs.values()] == [
        [[f"The name of {name}", None]] for name in jobs
    ]
    town.back_up()
    first.ask("delete", person=GONE)
    # The keys are still there, and the other process has them in memory.
    assert second.ask("result", job=jobs[GONE]) == [[None, "forgotten"]]
    assert first.ask("forget") >= 1

    town.stop()
    town.put_back()
    town.start()
    time.sleep(HELD_SECONDS)

    for process in (second, town.process()):
        assert process.ask("result", job=jobs[GONE]) == [[None, "forgotten"]]
        assert process.ask("result", job=jobs[STAYS]) == [[f"The name of {STAYS}", None]]


def test_an_old_copy_of_the_keys_is_refused_rather_than_believed(town: Town) -> None:
    process = settled(town)
    keys = town.folder / "keys" / f"{UID}.keys"
    old = keys.read_bytes()
    process.ask("delete", person=GONE)
    process.ask("forget")
    process.kill()

    keys.write_bytes(old)

    assert town.process().ask("search", face=f"{STAYS} a") == "VaultUnavailable"


def test_enrolled_in_one_process_is_found_in_another_and_deleted_is_found_in_none(
    town: Town,
) -> None:
    first = settled(town)
    others = [town.process() for _ in range(2)]
    for round_ in range(6):
        face = f"guest {round_}"
        first.ask("enrol", person="guest", faces=[face])
        assert [one.found(face) for one in others] == [["guest"]] * 2
        if round_ == 2:
            others[0].kill()
            others[0] = town.process()
        if round_ == 3:
            town.stop()
            town.start()
        others[0].ask("delete", person="guest")
        assert [one.found(face) for one in (first, *others)] == [[]] * 3
        if round_ == 4:
            first.ask("forget")
        assert [one.found(f"{STAYS} b") for one in (first, *others)] == [[STAYS]] * 3


def test_a_certificate_is_complete_once_every_process_has_followed_or_is_gone(town: Town) -> None:
    first, second = settled(town), town.process()
    assert second.found(f"{GONE} a") == [GONE]
    certificate = first.ask("delete", person=GONE)

    deadline = time.monotonic() + 60
    while first.ask("certificate", id_=certificate)["workers"] is None:
        # Nobody searches: each follows by itself.
        assert time.monotonic() < deadline
        time.sleep(0.1)
        first.ask("forget")

    assert first.ask("certificate", id_=certificate)["keys"] is not None
