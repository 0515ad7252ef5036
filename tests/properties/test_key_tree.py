"""The key tree against a plain walk from the root: what is destroyed can't be derived any more."""

import hashlib
import hmac
from collections.abc import Iterable

from hypothesis import given, settings
from hypothesis import strategies as st

from workers.identities.key_file import KeyFile, new_key_file, read_key_file
from workers.identities.key_tree import LEAVES, LEVELS, KeyTree, new_tree

UID = "col_" + "a" * 32
#: Neighbours and strangers: near the beginning, where collections begin, and anywhere.
leaves = st.one_of(
    st.integers(0, 40), st.integers(2**31 - 4, 2**31 + 4), st.integers(0, LEAVES - 1)
)
rounds = st.lists(st.lists(leaves, max_size=12), min_size=1, max_size=6)


def path_keys(root: bytes, leaf: int) -> list[bytes]:
    """The keys of all nodes above a leaf and of itself, from the root down, by the book."""
    keys = [root]
    for bit in f"{leaf:0{LEVELS}b}":
        text = f"facesocial key tree {bit}".encode()
        keys.append(hmac.new(keys[-1], text, hashlib.sha256).digest())
    return keys


def kept_keys(tree: KeyTree) -> set[bytes]:
    return {tree.node(index).key for index in range(len(tree))}


def destroyed(tree: KeyTree, order: Iterable[Iterable[int]]) -> KeyTree:
    for batch in order:
        tree = tree.without(list(batch))
    return tree


@settings(max_examples=150, deadline=None)
@given(order=rounds, others=st.lists(leaves, min_size=1, max_size=12))
def test_destroyed_leaves_follow_from_no_remaining_node_and_all_others_do(
    order: list[list[int]], others: list[int]
) -> None:
    whole = new_tree()
    root = whole.keys
    gone = {leaf for batch in order for leaf in batch}

    tree = destroyed(whole, order)

    for leaf in gone:
        # Nothing that is kept lies above the leaf, so nothing that is kept leads to it.
        assert not kept_keys(tree) & set(path_keys(root, leaf))
        assert tree.leaf_key(leaf) is None
    neighbours = [gone_leaf ^ bit for gone_leaf in gone for bit in (1, 256)]
    for leaf in (*others, *neighbours):
        assert tree.leaf_key(leaf) == (None if leaf in gone else path_keys(root, leaf)[-1])


@settings(max_examples=100, deadline=None)
@given(order=rounds)
def test_the_nodes_that_are_kept_cover_every_other_leaf_exactly_once(
    order: list[list[int]],
) -> None:
    gone = sorted({leaf for batch in order for leaf in batch})

    tree = destroyed(new_tree(), order)

    covered = [(node.first, node.first + node.leaves) for node in map(tree.node, range(len(tree)))]
    missing: list[int] = []
    for (_, end), (first, _) in zip([(0, 0), *covered], [*covered, (LEAVES, 0)], strict=True):
        assert end <= first
        missing += range(end, min(first, end + 1000))
    assert missing == gone


@settings(max_examples=100, deadline=None)
@given(order=rounds, data=st.data())
def test_the_order_in_which_leaves_are_destroyed_makes_no_difference(
    order: list[list[int]], data: st.DataObject
) -> None:
    whole = new_tree()
    at_once = whole.without([leaf for batch in order for leaf in batch])

    shuffled = destroyed(whole, data.draw(st.permutations(order)))

    assert (at_once.firsts, at_once.levels, at_once.keys) == (
        shuffled.firsts,
        shuffled.levels,
        shuffled.keys,
    )


@settings(max_examples=100, deadline=None)
@given(order=rounds, asked=leaves)
def test_the_next_leaf_is_the_first_that_is_left(order: list[list[int]], asked: int) -> None:
    gone = {leaf for batch in order for leaf in batch}
    expected = asked
    while expected in gone:
        expected += 1

    found = destroyed(new_tree(), order).next_leaf(asked)

    assert found == (None if expected == LEAVES else expected)


@settings(max_examples=100, deadline=None)
@given(order=rounds)
def test_a_file_of_keys_says_what_was_written(order: list[list[int]]) -> None:
    keys = new_key_file(UID)
    for batch in order:
        keys = keys.without(batch)

    read = read_key_file(UID, keys.to_bytes())

    assert facts(read) == facts(keys)
    assert len(keys.to_bytes()) == 8 + 36 + 8 + 4 + 32 + 37 * len(keys.tree or ()) + 32


def facts(keys: KeyFile) -> tuple[object, ...]:
    tree = keys.tree
    assert tree is not None
    return (keys.uid, keys.version, keys.tag_key, tree.firsts, tree.levels, tree.keys)
