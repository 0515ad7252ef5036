"""Seals keep their promises on every key vault: what was destroyed is never opened again."""

from collections.abc import Callable

import pytest

from workers.identities.errors import KeyDestroyed, SealBroken, VaultUnavailable
from workers.identities.seals import Seals
from workers.identities.vault import KeyVault

UID, OTHER = "col_" + "a" * 32, "col_" + "b" * 32
LAST_LEAF = 2**32 - 1


@pytest.mark.parametrize("leaf", [0, 1, 16, 2**31, LAST_LEAF])
def test_what_one_process_seals_another_opens(
    seals: Seals, process: Callable[[], Seals], leaf: int
) -> None:
    sealed = seals.seal(UID, leaf, b"Anna", purpose="name of p1")

    assert process().open(UID, leaf, sealed, purpose="name of p1") == b"Anna"
    assert b"Anna" not in sealed


def test_the_same_text_is_sealed_anew_each_time(seals: Seals) -> None:
    first, second = (seals.seal(UID, 1, b"Anna", purpose="name") for _ in range(2))

    assert first != second


@pytest.mark.parametrize(
    ("uid", "leaf", "purpose"), [(OTHER, 1, "name"), (UID, 2, "name"), (UID, 1, "vector")]
)
def test_a_seal_is_good_for_its_place_alone(
    seals: Seals, uid: str, leaf: int, purpose: str
) -> None:
    sealed = seals.seal(UID, 1, b"Anna", purpose="name")

    with pytest.raises(SealBroken):
        seals.open(uid, leaf, sealed, purpose=purpose)


def test_whatever_byte_of_a_seal_is_changed_it_is_broken(seals: Seals) -> None:
    sealed = seals.seal(UID, 1, b"Anna", purpose="name")

    for place in range(len(sealed)):
        changed = bytearray(sealed)
        changed[place] ^= 1
        with pytest.raises(SealBroken):
            seals.open(UID, 1, bytes(changed), purpose="name")
    for cut in range(len(sealed)):
        with pytest.raises(SealBroken):
            seals.open(UID, 1, sealed[:cut], purpose="name")


def test_making_keys_again_changes_none(seals: Seals) -> None:
    sealed = seals.seal(UID, 1, b"Anna", purpose="name")

    seals.create(UID)

    assert seals.open(UID, 1, sealed, purpose="name") == b"Anna"


def test_a_destroyed_leaf_opens_and_seals_nothing_and_its_neighbours_do(
    seals: Seals, process: Callable[[], Seals]
) -> None:
    sealed = {leaf: seals.seal(UID, leaf, b"x", purpose="p") for leaf in range(8)}

    seals.destroy_leaves(UID, [3, 5])

    for reader in (seals, process()):
        for leaf in (3, 5):
            with pytest.raises(KeyDestroyed):
                reader.open(UID, leaf, sealed[leaf], purpose="p")
            with pytest.raises(KeyDestroyed):
                reader.seal(UID, leaf, b"x", purpose="p")
        for leaf in (0, 1, 2, 4, 6, 7):
            assert reader.open(UID, leaf, sealed[leaf], purpose="p") == b"x"


def test_destroying_again_changes_nothing(seals: Seals) -> None:
    first = seals.destroy_leaves(UID, [3, 5])

    assert seals.destroy_leaves(UID, [5, 3]) == first
    assert seals.destroy_leaves(UID, []) == first
    assert seals.destroy_leaves(UID, [3, 6]) == first + 1


def test_two_processes_destroy_without_knowing_of_each_other(
    seals: Seals, process: Callable[[], Seals]
) -> None:
    one, two = process(), process()
    sealed = {leaf: seals.seal(UID, leaf, b"x", purpose="p") for leaf in (1, 2)}
    for reader in (one, two):
        assert reader.open(UID, 1, sealed[1], purpose="p") == b"x"

    one.destroy_leaves(UID, [1])
    two.destroy_leaves(UID, [2])

    for leaf in (1, 2):
        with pytest.raises(KeyDestroyed):
            process().open(UID, leaf, sealed[leaf], purpose="p")


def test_a_destroyed_collection_opens_nothing_and_can_t_be_made_again(
    seals: Seals, process: Callable[[], Seals]
) -> None:
    sealed = seals.seal(UID, 3, b"x", purpose="p")
    kept = seals.seal(OTHER, 3, b"x", purpose="p")

    version = seals.destroy(UID)

    assert seals.destroy(UID) == version
    assert seals.destroy_leaves(UID, [1]) == version
    seals.create(UID)
    for reader in (seals, process()):
        with pytest.raises(KeyDestroyed):
            reader.open(UID, 3, sealed, purpose="p")
        with pytest.raises(KeyDestroyed):
            reader.tag(UID, "x")
        with pytest.raises(KeyDestroyed):
            reader.next_leaf(UID, 0)
        assert reader.open(OTHER, 3, kept, purpose="p") == b"x"


def test_a_collection_without_a_file_is_an_accident_and_not_forgotten(seals: Seals) -> None:
    with pytest.raises(VaultUnavailable, match="no file of"):
        seals.open("col_" + "c" * 32, 1, b"", purpose="p")


def test_tags_are_the_same_in_every_process_and_differ_between_collections(
    seals: Seals, process: Callable[[], Seals]
) -> None:
    tag = seals.tag(UID, "personnel number 7")

    assert process().tag(UID, "personnel number 7") == tag
    assert len({tag, seals.tag(UID, "personnel number 8"), seals.tag(OTHER, tag)}) == 3
    assert len(tag) == 64


def test_the_next_leaf_is_the_first_that_was_not_destroyed(seals: Seals) -> None:
    seals.destroy_leaves(UID, [3, 4, 5, 9])

    assert [seals.next_leaf(UID, leaf) for leaf in (2, 3, 5, 6, 9)] == [2, 6, 6, 6, 10]


def test_after_the_last_leaf_there_is_no_next_one(seals: Seals) -> None:
    seals.destroy_leaves(UID, [LAST_LEAF])

    with pytest.raises(KeyDestroyed):
        seals.next_leaf(UID, LAST_LEAF)


@pytest.mark.parametrize("leaf", [-1, LAST_LEAF + 1])
def test_what_is_no_leaf_is_refused(seals: Seals, leaf: int) -> None:
    with pytest.raises(ValueError, match="no leaf"):
        seals.seal(UID, leaf, b"x", purpose="p")
    with pytest.raises(ValueError, match="no leaf"):
        seals.destroy_leaves(UID, [leaf])


@pytest.mark.parametrize("place", [0, 10, 60, 90, -1])
def test_a_damaged_file_of_keys_is_told_and_left_alone(
    vault: KeyVault, seals: Seals, process: Callable[[], Seals], place: int
) -> None:
    good = vault.read(UID)
    assert good is not None
    bad = bytearray(good)
    bad[place] ^= 1
    vault.swap(UID, old=good, new=bytes(bad))

    with pytest.raises(VaultUnavailable):
        process().seal(UID, 1, b"x", purpose="p")
    with pytest.raises(VaultUnavailable):
        process().destroy_leaves(UID, [1])

    seals.create(UID)
    assert vault.read(UID) == bytes(bad)


def test_another_collection_s_keys_are_not_taken(
    vault: KeyVault, seals: Seals, process: Callable[[], Seals]
) -> None:
    seals.tag(UID, "x")  # made
    vault.swap(UID, old=vault.read(UID), new=vault.read(OTHER) or b"")

    with pytest.raises(VaultUnavailable, match="another collection"):
        process().tag(UID, "x")
