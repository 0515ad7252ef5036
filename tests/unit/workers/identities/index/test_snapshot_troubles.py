"""Snapshots that are damaged, replaced meanwhile, or can't be read."""

import pytest

from tests.unit.workers.identities.index.snapshot_world import UID, World, faces
from workers.blobs.store import MemoryBlobs
from workers.errors import BlobMissing, BlobStoreFailed
from workers.identities.errors import VaultUnavailable
from workers.identities.index.snapshot import HEADER_BYTES
from workers.identities.index.snapshots import Snapshots, snapshot_key
from workers.identities.keys import VaultSeals
from workers.identities.vault import MemoryVault


@pytest.fixture
def world() -> World:
    return World()


@pytest.mark.parametrize("place", ["magic", "leaf", "length", "about", "last"])
def test_a_damaged_snapshot_is_deleted_and_everything_read_anew(world: World, place: str) -> None:
    world.save()
    content = bytearray(world.content)
    at = {"magic": 0, "leaf": 8, "length": HEADER_BYTES, "about": HEADER_BYTES + 30, "last": -1}
    content[at[place]] ^= 1
    world.blobs.put(snapshot_key(UID), bytes(content))

    follower = world.started()

    assert world.was_scanned
    assert follower.faces == 43
    with pytest.raises(BlobMissing):
        world.blobs.get(snapshot_key(UID))


@pytest.mark.parametrize("size", [0, 5, HEADER_BYTES + 3, HEADER_BYTES + 50, -1])
def test_a_snapshot_cut_short_is_not_loaded(world: World, size: int) -> None:
    world.save()
    world.blobs.put(snapshot_key(UID), world.content[:size])

    assert world.started().faces == 43
    assert world.was_scanned


def test_sections_of_two_snapshots_make_no_third(world: World) -> None:
    world.save()
    first = world.content
    world.store.add(UID, faces(1, first=3000))
    world.save()
    second = world.content
    world.blobs.put(snapshot_key(UID), second[:-40] + first[-40:])

    assert world.started().faces == 44
    assert world.was_scanned


class Replaced(MemoryBlobs):
    """A blob store in which another snapshot appears after so many reads."""

    def __init__(self, first: bytes, then: bytes, *, after: int) -> None:
        super().__init__()
        self.put(snapshot_key(UID), first)
        self.then = then
        self.left = after

    def part(self, key: str, *, first: int, size_bytes: int) -> bytes:
        self.left -= 1
        if self.left == 0:
            self.put(key, self.then)
        return super().part(key, first=first, size_bytes=size_bytes)


@pytest.mark.parametrize("after", [2, 3, 4, 5, 6, 7, 8, 9])
def test_a_snapshot_replaced_while_it_is_read_is_read_again(world: World, after: int) -> None:
    world.save()
    first = world.content
    world.store.add(UID, faces(1, first=3000))
    world.save()
    blobs = Replaced(first, world.content, after=after)
    world.snapshots = Snapshots(blobs, world.seals, world.store, exact_faces=100)

    follower = world.started()

    assert follower.faces == 44
    assert not world.was_scanned
    assert blobs.get(snapshot_key(UID)) == world.content


class NoVault(VaultSeals):
    """Keys that can't be had."""

    def open(self, uid: str, leaf: int, sealed: bytes, *, purpose: str) -> bytes:
        del uid, leaf, sealed, purpose
        raise VaultUnavailable


def test_without_the_keys_nothing_is_deleted_and_nothing_answered(world: World) -> None:
    world.save()
    content = world.content
    seals = NoVault(MemoryVault())
    world.snapshots = Snapshots(world.blobs, seals, world.store, exact_faces=100)

    with pytest.raises(VaultUnavailable):
        world.started()

    assert world.content == content


class Refusing(MemoryBlobs):
    """A blob store that can't be reached."""

    def part(self, key: str, *, first: int, size_bytes: int) -> bytes:
        del key, first, size_bytes
        raise BlobStoreFailed


def test_without_the_blob_store_everything_is_read_from_the_store(world: World) -> None:
    world.snapshots = Snapshots(Refusing(), world.seals, world.store, exact_faces=100)

    assert world.started().faces == 43
