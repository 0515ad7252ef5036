"""The tree of a collection's keys: a leaf's key can be destroyed without touching any other.

It is the tree of Goldreich, Goldwasser and Micali ("How to construct random functions", 1986): a
random root, and below each node two children, each a keyed hash of it. From a node follow all keys
below it and no other, because a keyed hash can't be turned round. At first the root is all that is
kept. To destroy a leaf is to keep, instead of the node above it, the siblings along the way down:
everything follows from them but that leaf (a puncturable pseudorandom function; Boneh and Waters,
"Constrained pseudorandom functions", 2013).
"""

import hmac
import secrets
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

#: A tree has 2^32 leaves: one for every person a collection ever had.
LEVELS = 32
LEAVES = 1 << LEVELS
#: Of a node's key and of a leaf's: what HMAC-SHA-256 gives and AES-256 takes.
KEY_BYTES = 32
#: Keys of this level, above 16 leaves each, are kept once they were derived: from there a leaf
#: is four hashes away instead of 32.
WARM_LEVEL = 28
#: Most of them: some 9 MB, enough for a million neighbouring leaves.
MOST_WARM = 65_536

_LEFT, _RIGHT = b"facesocial key tree 0", b"facesocial key tree 1"


@dataclass(frozen=True, slots=True)
class Node:
    """A node that is kept, with all leaves below it."""

    #: 0 is the root, LEVELS a leaf.
    level: int
    #: Number of its first leaf.
    first: int
    key: bytes

    @property
    def leaves(self) -> int:
        """How many leaves it has."""
        return LEAVES >> self.level

    def child(self, side: int) -> "Node":
        """The left child (0) or the right one (1)."""
        first = self.first + side * (self.leaves // 2)
        return Node(self.level + 1, first, _derived(self.key, side))


class KeyTree:
    """The nodes that are kept, by their first leaves; never changed once it is made.

    Held as three flat arrays: after many deletions there are a hundred thousand nodes.

    Args:
        firsts: Number of each node's first leaf, ascending.
        levels: Each node's level, a byte each.
        keys: Their keys, KEY_BYTES each, one after the other.

    Raises:
        ValueError: they don't fit together.
    """

    def __init__(self, firsts: Sequence[int], levels: bytes, keys: bytes) -> None:
        self.firsts = array("I", firsts)
        self.levels = levels
        self.keys = keys
        if not len(self.firsts) == len(levels) == len(keys) / KEY_BYTES:
            raise ValueError("The arrays of a tree are of different lengths.")
        if any(below <= above for above, below in pairwise(firsts)):
            raise ValueError("The nodes of a tree are not in order.")
        # Of this object alone: it is dropped together with the keys it was derived from.
        self._warm: dict[int, bytes] = {}

    def __len__(self) -> int:
        return len(self.firsts)

    def node(self, index: int) -> Node:
        """A node that is kept, by its place."""
        key = self.keys[index * KEY_BYTES : (index + 1) * KEY_BYTES]
        return Node(self.levels[index], self.firsts[index], key)

    def leaf_key(self, leaf: int) -> bytes | None:
        """A leaf's key; None: it was destroyed.

        Args:
            leaf: 0 to LEAVES - 1.
        """
        index = self._index(leaf)
        if index is None:
            return None
        node = self.node(index)
        if node.level > WARM_LEVEL:
            return _descend(node.key, node.level, leaf, to=LEVELS)
        place = leaf >> (LEVELS - WARM_LEVEL)
        warm = self._warm.get(place)
        if warm is None:
            warm = _descend(node.key, node.level, leaf, to=WARM_LEVEL)
            if len(self._warm) >= MOST_WARM:
                self._warm.clear()
            self._warm[place] = warm
        return _descend(warm, WARM_LEVEL, leaf, to=LEVELS)

    def next_leaf(self, at_least: int) -> int | None:
        """The first leaf from that number on whose key is there; None: there is none."""
        if self._index(at_least) is not None:
            return at_least
        index = bisect_right(self.firsts, at_least)
        return self.firsts[index] if index < len(self) else None

    def without(self, leaves: Collection[int]) -> "KeyTree":
        """The tree from which these leaves' keys can't be derived; all others can."""
        firsts, levels, keys = array("I"), bytearray(), bytearray()
        copied = 0

        def copy(until: int) -> None:
            firsts.extend(self.firsts[copied:until])
            levels.extend(self.levels[copied:until])
            keys.extend(self.keys[copied * KEY_BYTES : until * KEY_BYTES])

        for index, doomed in groupby(sorted(set(leaves)), self._index):
            if index is None:
                continue
            copy(index)
            copied = index + 1
            for node in _remaining(self.node(index), list(doomed)):
                firsts.append(node.first)
                levels.append(node.level)
                keys.extend(node.key)
        if not copied:
            return self
        copy(len(self))
        return KeyTree(firsts, bytes(levels), bytes(keys))

    def _index(self, leaf: int) -> int | None:
        """Place of the node above a leaf."""
        if not 0 <= leaf < LEAVES:
            raise ValueError(f"{leaf} is no leaf: they go from 0 to {LEAVES - 1}.")
        index = bisect_right(self.firsts, leaf) - 1
        if index < 0 or leaf >= self.firsts[index] + (LEAVES >> self.levels[index]):
            return None
        return index


def new_tree() -> KeyTree:
    """A tree of a random root, with all its leaves."""
    return KeyTree([0], bytes([0]), secrets.token_bytes(KEY_BYTES))


def _remaining(node: Node, doomed: Sequence[int]) -> Iterator[Node]:
    """The fewest nodes that have all of a node's leaves but the doomed ones, in order."""
    if not doomed:
        yield node
    elif node.level < LEVELS:
        left, right = node.child(0), node.child(1)
        middle = bisect_left(doomed, right.first)
        yield from _remaining(left, doomed[:middle])
        yield from _remaining(right, doomed[middle:])


def _descend(key: bytes, level: int, leaf: int, *, to: int) -> bytes:
    """The key of a leaf's ancestor at a level, from that of one above."""
    for bit in range(LEVELS - 1 - level, LEVELS - 1 - to, -1):
        key = _derived(key, leaf >> bit & 1)
    return key


def _derived(key: bytes, side: int) -> bytes:
    return hmac.digest(key, _RIGHT if side else _LEFT, "sha256")
