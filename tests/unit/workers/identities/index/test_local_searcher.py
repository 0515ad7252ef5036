"""Indexes of one process: which are in memory, and what is told of them."""

import threading
import time
from dataclasses import replace

import pytest

from tests.unit.workers.identities.index.searcher_world import (
    BOX,
    LONG,
    ONE,
    THREE,
    TWO,
    World,
    faces,
)
from workers.errors import BlobMissing, StoreUnavailable
from workers.identities.errors import CollectionNotFound
from workers.identities.index.keeper import Repeater
from workers.identities.index.loaded import BELIEVED_SECONDS
from workers.identities.index.searcher import SLOW_SECONDS
from workers.identities.index.snapshots import snapshot_key
from workers.identities.memory_faces import EXAMPLE_CONTRACT


@pytest.fixture
def world() -> World:
    return World()


def test_the_collection_searched_longest_ago_leaves_when_memory_is_short(world: World) -> None:
    for uid in (ONE, TWO, ONE, THREE):
        world.search(uid)

    assert list(world.searcher.loaded()) == [ONE, THREE]
    assert world.store.followers(TWO) == {}
    assert world.store.followers(ONE) == {BOX: 0}


def test_a_collection_larger_than_all_memory_is_searched_all_the_same(world: World) -> None:
    world.store.add(TWO, faces(600, LONG, first=1000))

    assert world.search(TWO).faces == 900
    assert list(world.searcher.loaded()) == [TWO]


def test_a_collection_that_left_memory_is_searched_again(world: World) -> None:
    for uid in (TWO, THREE, TWO):
        assert world.search(uid).faces == 300


def test_keeping_follows_without_a_search_and_tells_how_far(world: World) -> None:
    world.search(ONE)
    world.store.remove(ONE, [faces(1, EXAMPLE_CONTRACT)[0].face_id])

    world.searcher.keep()

    assert world.searcher.loaded() == {ONE: 2}
    assert world.store.followers(ONE) == {BOX: 2}


def test_what_is_known_is_told_again_now_and_then(world: World) -> None:
    world.search(ONE)
    world.searcher.keep()
    before = world.store.calls["followed"]

    world.searcher.keep()
    assert world.store.calls["followed"] == before
    world.now += BELIEVED_SECONDS / 10
    world.searcher.keep()

    assert world.store.calls["followed"] == before + 1


def test_a_collection_that_is_broken_leaves_memory_and_keeps_no_other_from_forgetting(
    world: World,
) -> None:
    world.search(TWO)
    world.search(ONE)
    [broken] = faces(1, LONG, first=5000)
    world.store.add(TWO, [replace(broken, face_id="face_nonsense")])
    world.store.remove(ONE, [faces(1, EXAMPLE_CONTRACT)[0].face_id])

    world.searcher.keep()

    assert world.searcher.loaded() == {ONE: 2}
    assert world.store.followers(ONE) == {BOX: 2}
    assert world.store.followers(TWO) == {}


def test_who_loads_a_collection_again_says_so_after_what_is_said_of_its_end(world: World) -> None:
    world.search(ONE)
    [loaded] = world.searcher._all()
    met: list[object] = []
    # Between what it forgets and what it says somebody comes who searches.
    world.store.meanwhile.append(lambda: met.append(world.searcher._get(ONE)))

    loaded.drop()

    assert met == [loaded]
    assert world.searcher._get(ONE) is not loaded


def test_a_process_that_reads_for_minutes_says_so_again(world: World) -> None:
    # No call takes as long as others believe what was said; all of them together do.
    world.store.meanwhile += [lambda: world.pass_seconds(BELIEVED_SECONDS / 3)] * 20
    world.store.add(THREE, faces(2500, LONG, first=1000))

    world.search(THREE)

    assert world.store.calls["scan"] == 3
    assert world.store.calls["followed"] == 4


@pytest.mark.parametrize("by", ["keeping", "searching"])
def test_a_collection_that_was_deleted_leaves_memory_with_its_snapshot(
    world: World, by: str
) -> None:
    world.search(TWO)
    world.searcher.save(at_once=True)
    assert world.blobs.get(snapshot_key(TWO))
    world.store.delete(TWO)

    if by == "keeping":
        world.searcher.keep()
    else:
        with pytest.raises(CollectionNotFound):
            world.search(TWO)

    assert world.searcher.loaded() == {}
    with pytest.raises(BlobMissing):
        world.blobs.get(snapshot_key(TWO))


def test_a_process_cut_off_from_the_store_forgets_before_it_is_believed_gone(world: World) -> None:
    world.search(ONE)
    world.store.is_away = True

    world.now += BELIEVED_SECONDS * 0.4
    world.searcher.keep()
    assert world.searcher.loaded() == {ONE: 3}
    world.now += BELIEVED_SECONDS * 0.2
    world.searcher.keep()

    assert world.searcher.loaded() == {}


def test_without_the_store_nobody_is_named(world: World) -> None:
    world.search(ONE)
    world.store.is_away = True

    with pytest.raises(StoreUnavailable):
        world.search(ONE)


def test_closing_overwrites_everything_and_says_so(world: World) -> None:
    world.search(ONE)
    index = world.searcher._loaded[ONE].follower.index
    assert index is not None
    [block] = index._vectors._blocks
    assert block[:3].any()

    world.searcher.close()

    assert not block[:3].any()
    assert world.store.followers(ONE) == {}


def test_a_snapshot_is_written_after_a_while_and_again_only_when_it_is_no_good(
    world: World,
) -> None:
    world.search(TWO)
    world.searcher.save()
    with pytest.raises(BlobMissing):
        world.blobs.get(snapshot_key(TWO))

    world.now += 200
    world.searcher.save()
    first = world.blobs.get(snapshot_key(TWO))
    world.now += 200
    world.searcher.save()
    assert world.blobs.get(snapshot_key(TWO)) == first
    world.store.remove(TWO, [faces(1, LONG)[0].face_id])
    world.now += 200
    world.searcher.save()

    assert world.blobs.get(snapshot_key(TWO)) != first
    assert world.snapshots.good_leaf(TWO) is not None


def test_small_indexes_have_no_snapshot(world: World) -> None:
    world.search(ONE)

    world.searcher.save(at_once=True)

    with pytest.raises(BlobMissing):
        world.blobs.get(snapshot_key(ONE))


def test_indexes_that_took_long_to_load_are_worth_going_to(world: World) -> None:
    world.search(ONE)
    world.store.meanwhile = [lambda: time.sleep(SLOW_SECONDS)]
    world.search(TWO)
    loads = {one.uid: one.follower for one in world.searcher._all()}
    # As on a machine that does nothing else.
    loads[ONE].load_seconds = SLOW_SECONDS / 2

    assert loads[TWO].load_seconds >= SLOW_SECONDS
    assert world.searcher.slow_to_load() == [TWO]


def test_many_threads_search_keep_and_save_beside_a_writer(world: World) -> None:
    stop, faults = threading.Event(), list[BaseException]()

    def again(call: object, *args: object) -> None:
        assert callable(call)
        while not stop.is_set():
            try:
                call(*args)
            except BaseException as error:  # noqa: BLE001 - told below
                faults.append(error)
                return

    def save() -> None:
        world.searcher.save(at_once=True)

    threads = [
        threading.Thread(target=again, args=args)
        for args in ((world.search, TWO), (world.search, THREE), (world.searcher.keep,), (save,))
    ]
    for thread in threads:
        thread.start()
    for number in range(60):
        world.store.add(TWO, faces(5, LONG, first=10_000 + number * 5))
        world.store.remove(TWO, [faces(1, LONG, first=10_000 + number * 5)[0].face_id])
    stop.set()
    for thread in threads:
        thread.join()

    assert faults == []
    assert world.search(TWO).faces == 300 + 60 * 4


def test_a_repeater_goes_on_after_a_fault_until_it_is_closed() -> None:
    times, enough = 0, threading.Event()

    def call() -> None:
        nonlocal times
        times += 1
        if times >= 3:
            enough.set()
        raise RuntimeError("once more")

    repeater = Repeater("test", call, every_seconds=0.001)
    repeater.start()
    assert enough.wait(60)
    repeater.close()
    ended = times

    assert not repeater._thread.is_alive()
    assert times == ended
