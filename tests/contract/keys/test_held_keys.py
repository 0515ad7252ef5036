"""Keys in the memory of processes: for a while, and not against what the vault says."""

import threading
from collections.abc import Callable
from typing import ClassVar

import pytest

from workers.identities.errors import KeyDestroyed, VaultUnavailable
from workers.identities.keys import VaultSeals
from workers.identities.seals import Seals
from workers.identities.vault import KeyVault

UID = "col_" + "a" * 32


def test_another_process_may_open_what_it_could_until_it_is_told_of_the_new_version(
    seals: Seals, process: Callable[[], Seals]
) -> None:
    other = process()
    sealed = seals.seal(UID, 3, b"x", purpose="p")
    assert other.open(UID, 3, sealed, purpose="p") == b"x"

    version = seals.destroy_leaves(UID, [3])
    other.refresh(UID, version)

    with pytest.raises(KeyDestroyed):
        other.open(UID, 3, sealed, purpose="p")


def test_without_being_told_a_process_asks_for_its_keys_again_in_a_few_seconds(
    vault: KeyVault, seals: Seals
) -> None:
    now = [0.0]
    other = VaultSeals(vault, held_seconds=10, clock=lambda: now[0])
    sealed = {leaf: seals.seal(UID, leaf, b"x", purpose="p") for leaf in (3, 4)}
    assert other.open(UID, 3, sealed[3], purpose="p") == b"x"
    seals.destroy_leaves(UID, [3])

    # The store may have been put back: then nobody tells it anything.
    now[0] = 9.9
    assert other.open(UID, 3, sealed[3], purpose="p") == b"x"
    now[0] = 10.0

    with pytest.raises(KeyDestroyed):
        other.open(UID, 3, sealed[3], purpose="p")
    assert other.open(UID, 4, sealed[4], purpose="p") == b"x"


def test_keys_that_have_not_changed_are_not_derived_anew(vault: KeyVault) -> None:
    now = [0.0]
    other = VaultSeals(vault, held_seconds=10, clock=lambda: now[0])
    other.create(UID)
    before = other._keys(UID)

    now[0] = 11.0

    assert other._keys(UID) is before


def test_keys_that_nobody_uses_leave_memory(vault: KeyVault) -> None:
    now = [0.0]
    other = VaultSeals(vault, held_seconds=10, clock=lambda: now[0])
    other.create(UID)
    before = other._keys(UID)

    now[0] = 15.0
    assert other.forget_unused()
    assert other._keys(UID) is before
    now[0] = 30.1

    assert not other.forget_unused()
    assert other._keys(UID) is not before


def test_a_thread_lets_them_leave_and_ends(vault: KeyVault) -> None:
    other = VaultSeals(vault, held_seconds=0.1, has_watcher=True)
    other.create(UID)
    for _ in range(2):
        other.tag(UID, "x")
        watcher = other._watcher
        assert watcher is not None

        watcher.join(timeout=60)

        assert not other._held


def test_a_process_that_saw_newer_keys_believes_no_old_copy(vault: KeyVault, seals: Seals) -> None:
    now = [0.0]
    other = VaultSeals(vault, held_seconds=10, clock=lambda: now[0])
    old = vault.read(UID)
    seals.destroy_leaves(UID, [3])
    other.seal(UID, 4, b"x", purpose="p")
    vault.swap(UID, old=vault.read(UID), new=old or b"")

    now[0] = 11.0

    with pytest.raises(VaultUnavailable, match="old copy"):
        other.seal(UID, 4, b"x", purpose="p")


def test_many_threads_destroy_and_open_without_false_alarms(vault: KeyVault) -> None:
    seals = VaultSeals(vault, held_seconds=0)
    seals.create(UID)
    sealed = seals.seal(UID, 1000, b"x", purpose="p")
    opened: list[bytes] = []

    def work(first: int) -> None:
        for leaf in range(first, 40, 4):
            seals.destroy_leaves(UID, [leaf])
            opened.append(seals.open(UID, 1000, sealed, purpose="p"))

    threads = [threading.Thread(target=work, args=(first,)) for first in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert opened == [b"x"] * 40
    assert seals.next_leaf(UID, 0) == 40


def test_an_old_copy_of_the_vault_that_is_put_back_is_not_believed(
    vault: KeyVault, seals: Seals, process: Callable[[], Seals]
) -> None:
    sealed = seals.seal(UID, 3, b"x", purpose="p")
    old = vault.read(UID)
    version = seals.destroy_leaves(UID, [3])
    vault.swap(UID, old=vault.read(UID), new=old or b"")

    reader = process()
    reader.refresh(UID, version)

    with pytest.raises(VaultUnavailable, match="old copy"):
        reader.open(UID, 3, sealed, purpose="p")
    with pytest.raises(VaultUnavailable, match="old copy"):
        reader.destroy_leaves(UID, [4])


def test_keys_of_many_collections_are_held_in_turn(vault: KeyVault) -> None:
    seals = VaultSeals(vault)
    uids = [f"col_{number:032x}" for number in range(70)]
    sealed = {}
    for uid in uids:
        seals.create(uid)
        sealed[uid] = seals.seal(uid, 1, uid.encode(), purpose="p")

    assert len(seals._held) == 64
    assert [seals.open(uid, 1, sealed[uid], purpose="p").decode() for uid in uids] == uids


def test_keys_that_others_replace_while_they_are_read_are_no_old_copy(vault: KeyVault) -> None:
    class Slow:
        meanwhile: ClassVar[list[int]] = []

        def read(self, uid: str) -> bytes | None:
            content = vault.read(uid)
            while self.meanwhile:
                seals.destroy_leaves(UID, [self.meanwhile.pop()])
            return content

        def swap(self, uid: str, *, old: bytes | None, new: bytes) -> bool:
            return vault.swap(uid, old=old, new=new)

    slow = Slow()
    seals = VaultSeals(slow, held_seconds=0)
    seals.create(UID)
    sealed = seals.seal(UID, 9, b"x", purpose="p")
    slow.meanwhile.extend([1, 2, 3])

    assert seals.open(UID, 9, sealed, purpose="p") == b"x"
    assert seals.next_leaf(UID, 1) == 4
