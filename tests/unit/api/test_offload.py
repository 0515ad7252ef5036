"""A call that computes long holds up nobody but its caller, under gevent and without."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from api.offload import OffloadedBlobs, OffloadedVault, offload
from workers.blobs.store import MemoryBlobs
from workers.errors import BlobMissing
from workers.identities.vault import MemoryVault

#: A process like the gateway's: patched first; the call blocks its thread as foreign code does.
_UNDER_GEVENT = """
from gevent import monkey
monkey.patch_all()
import gevent, time
from api.offload import give_way, offload

blocking_sleep = monkey.get_original("time", "sleep")
turns = []
def others():
    while True:
        turns.append(len(turns))
        gevent.sleep(0.01)
gevent.spawn(others)

# The others had some turns, or can't have any.
def is_over(deadline=time.monotonic() + 30):
    return len(turns) > 5 or time.monotonic() > deadline

def compute():
    while not is_over():
        blocking_sleep(0.005)
    return "answer"

def refuse():
    blocking_sleep(0.01)
    raise ValueError("refused")

assert offload(compute) == "answer"
assert len(turns) > 5, turns
turns.clear()
while not is_over():
    give_way()
assert len(turns) > 5, turns
try:
    offload(refuse)
except ValueError as error:
    print(error)
"""

#: Calls that hang in their threads until `gate` is opened, and how many of them have ended.
_HANG = """
from gevent import monkey
monkey.patch_all()
import gevent
gate = monkey.get_original("_thread", "allocate_lock")()
gate.acquire()
began, ended = [], []

def hang():
    began.append(True)
    if gate.acquire(timeout=20):
        gate.release()
    ended.append(True)

def until_the_hub_s_threads_would_hang():
    while len(began) < gevent.get_hub().threadpool.maxsize:
        gevent.sleep(0.01)
"""

#: Names whose servers never answer: more than the hub's thread pool has threads.
_WHILE_LOOK_UPS_HANG = (
    _HANG
    + """
import _socket, socket
_socket.getaddrinfo = socket._socket.getaddrinfo = lambda *_, **__: hang() or []
from api.offload import offload
from api.outbound.errors import UrlUnreachable
from api.outbound.resolving import resolve_host

def look_up():
    try:
        resolve_host("silent.example", 443, 0.2)
    except UrlUnreachable:
        print("gave up")

waiting = [gevent.spawn(look_up) for _ in range(12)]
until_the_hub_s_threads_would_hang()
assert offload(lambda: "answer") == "answer"
assert not ended
gevent.joinall(waiting)
gate.release()
"""
)

#: A blob store that hangs, with more callers than the hub's thread pool has threads.
_WHILE_BLOBS_HANG = (
    _HANG
    + """
from api.offload import OffloadedBlobs, offload
from workers.blobs.store import MemoryBlobs

class Hanging(MemoryBlobs):
    def get(self, key):
        hang()
        return key.encode()

blobs = OffloadedBlobs(Hanging())
waiting = [gevent.spawn(blobs.get, "job_1") for _ in range(12)]
until_the_hub_s_threads_would_hang()
assert offload(lambda: "answer") == "answer"
assert not ended
gate.release()
print(len([one for one in gevent.joinall(waiting) if one.get() == b"job_1"]))
"""
)


def test_without_gevent_the_call_is_made_in_place() -> None:
    assert offload(threading.get_ident) == threading.get_ident()


def test_under_gevent_others_go_on_and_errors_come_back_quietly(root: Path) -> None:
    ended = run(_UNDER_GEVENT, root)

    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "refused\n", "")


def test_look_ups_that_hang_hold_up_no_other_call(root: Path) -> None:
    ended = run(_WHILE_LOOK_UPS_HANG, root)

    assert (ended.returncode, ended.stdout, ended.stderr) == (0, 12 * "gave up\n", "")


def test_a_blob_store_that_hangs_holds_up_no_other_call(root: Path) -> None:
    ended = run(_WHILE_BLOBS_HANG, root)

    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "12\n", "")


def run(program: str, root: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_an_offloaded_store_answers_as_the_store_does() -> None:
    blobs = OffloadedBlobs(MemoryBlobs())
    blobs.put("job_1", b"photo")

    assert blobs.get("job_1") == b"photo"
    assert list(blobs.older_than(-1)) == ["job_1"]
    blobs.delete("job_1")
    with pytest.raises(BlobMissing):
        blobs.get("job_1")


def test_a_vault_that_is_offloaded_answers_as_it_would_itself() -> None:
    vault = MemoryVault()
    offloaded = OffloadedVault(vault)

    assert offloaded.read("col") is None
    assert offloaded.swap("col", old=None, new=b"keys")
    assert not offloaded.swap("col", old=None, new=b"others")
    assert offloaded.read("col") == vault.read("col") == b"keys"
