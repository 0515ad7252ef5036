"""Snapshots are loaded only while they are good, and say nothing to those without the key."""

import threading
from collections.abc import Callable

import numpy as np
import pytest

from tests.unit.workers.identities.index.snapshot_world import UID, World, faces
from workers.errors import BlobMissing
from workers.identities.index.contents import Contents
from workers.identities.index.face_index import FaceIndex
from workers.identities.index.snapshot import About
from workers.identities.index.snapshots import snapshot_key
from workers.identities.index.vectors import BLOCK_ROWS
from workers.identities.memory_faces import EXAMPLE_CONTRACT
from workers.identities.records import EmbeddingContract


@pytest.fixture
def world() -> World:
    return World()


def test_a_start_with_a_snapshot_reads_only_what_came_since(world: World) -> None:
    world.save()
    world.store.add(UID, faces(2, person_id="cy", first=2000))

    follower = world.started()

    assert not world.was_scanned
    assert follower.faces == 45
    assert follower.index is not None
    assert follower.index.persons == 3
    assert follower.version == world.store.head(UID).place.version


def test_a_snapshot_of_many_sections_is_what_was_written(world: World) -> None:
    head, count = world.store.head(UID), 2 * BLOCK_ROWS + 100
    dice = np.random.default_rng(1)
    vectors = dice.standard_normal((count, 8)).astype(np.float16)
    contents = Contents(
        persons=("ann", "bob"),
        ids=dice.integers(0, 2**63, (count, 2)).astype(np.uint64),
        whose=dice.integers(0, 2, count).astype(np.uint32),
    )
    index = FaceIndex(8, exact_faces=count)
    index.load(contents, [vectors])
    about = About(
        place=head.place, generation=head.generation, contract=EXAMPLE_CONTRACT, faces=count
    )

    world.snapshots.save(UID, lambda: (about, index), lock=threading.Lock())
    loaded = world.snapshots.load(UID, head)

    assert loaded is not None
    assert loaded.place == head.place
    again = loaded.index.contents()
    assert again.persons == contents.persons
    assert (again.ids == contents.ids).all()
    assert (again.whose == contents.whose).all()
    assert (loaded.index.block(0, count) == vectors).all()


def test_nothing_of_a_snapshot_can_be_read_without_the_key(world: World) -> None:
    world.save()

    content = world.content

    assert b"ann" not in content
    assert bytes.fromhex(f"{1000:032x}")[-8:] not in content
    assert all(face.vector not in content for face in world.store.faces(UID).values())


def test_after_a_deletion_the_snapshot_is_deleted_and_not_loaded(world: World) -> None:
    world.save()
    world.store.remove(UID, [faces(1)[0].face_id])

    follower = world.started()

    assert world.was_scanned
    assert follower.faces == 42
    with pytest.raises(BlobMissing):
        world.blobs.get(snapshot_key(UID))


def test_an_old_snapshot_put_back_after_a_deletion_is_not_loaded(world: World) -> None:
    world.save()
    content = world.content
    world.store.remove(UID, [faces(1)[0].face_id])
    world.save()
    world.blobs.put(snapshot_key(UID), content)

    follower = world.started()

    assert world.was_scanned
    assert follower.faces == 42


def test_a_snapshot_whose_key_was_destroyed_is_not_loaded(world: World) -> None:
    leaf = world.save()
    assert leaf is not None
    world.seals.destroy_leaves(UID, [leaf])

    assert world.started().faces == 43
    assert world.was_scanned


def test_a_snapshot_from_which_the_log_leads_nowhere_is_not_loaded(world: World) -> None:
    world.save()
    for first in range(5000, 5010):
        world.store.add(UID, faces(1, first=first))
    world.store.trim(UID, keep=2)

    assert world.started().faces == 53
    assert world.was_scanned


def test_a_snapshot_of_another_model_is_not_loaded(world: World) -> None:
    world.save()
    leaves = set(world.store.snapshot_leaves(UID))
    new = EmbeddingContract(model="new", sha256="", preprocessing_version="1", dimensions=8)
    world.store.reset(UID, new, {one: bytes(16) for one in world.store.faces(UID)})
    world.store._collections[UID].snapshot_leaves = leaves  # as if the store had kept them

    follower = world.started()

    assert world.was_scanned
    assert follower.contract == new


def test_a_face_removed_while_the_snapshot_is_written_spoils_it(world: World) -> None:
    # The leaf is taken, the index followed, written, and then the leaf is asked about once more.
    follower = world.started()

    def follow() -> tuple[About, FaceIndex] | None:
        follower.follow()
        found = follower.about()
        world.store.remove(UID, [faces(1)[0].face_id])
        return found

    leaf = world.snapshots.save(UID, follow, lock=threading.Lock())

    assert leaf is None
    with pytest.raises(BlobMissing):
        world.blobs.get(snapshot_key(UID))


def test_rows_that_move_while_the_snapshot_is_written_spoil_it(world: World) -> None:
    follower = world.started()
    found = follower.about()
    assert found is not None
    index, taken = found[1], 0

    class Lock:
        """Between the second and the third time it is held, a face goes."""

        def __enter__(self) -> None:
            nonlocal taken
            taken += 1
            if taken == 2:
                index.remove([faces(1)[0].face_id])

        def __exit__(self, *_: object) -> None:
            """Nothing."""

    assert world.snapshots.save(UID, lambda: found, lock=Lock()) is None


@pytest.mark.parametrize("spoil", [None, "removed", "damaged", "missing"])
def test_whether_there_is_a_good_snapshot_is_told_by_its_header(
    world: World, spoil: str | None
) -> None:
    leaf = world.save()
    spoilt: dict[str | None, Callable[[], None]] = {
        None: lambda: None,
        "removed": lambda: world.store.remove(UID, [faces(1)[0].face_id]),
        "damaged": lambda: world.blobs.put(snapshot_key(UID), b"X" + world.content[1:]),
        "missing": lambda: world.snapshots.delete(UID),
    }
    spoilt[spoil]()

    assert world.snapshots.good_leaf(UID) == (leaf if spoil is None else None)
