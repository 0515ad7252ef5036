"""The file a collection's keys lie in: its bytes, and what they mean."""

import dataclasses
import hashlib
import hmac
import secrets
import struct
import sys
from array import array
from collections.abc import Collection
from dataclasses import dataclass

from workers.identities.errors import VaultUnavailable
from workers.identities.key_tree import KEY_BYTES, KeyTree, new_tree

#: First bytes of every file; the digit is the format's number.
MAGIC = b"FSKEYS1\n"
#: Collection's uid; version; number of nodes; key of tags. Then each node's first leaf (4 bytes,
#: little endian), level (1) and key (32), and SHA-256 of all that.
_HEADER = struct.Struct(f"<{len(MAGIC)}s36sQI{KEY_BYTES}s")
_CHECKSUM_BYTES = 32


@dataclass(frozen=True, slots=True)
class KeyFile:
    """A collection's keys at one version."""

    uid: str
    #: 1 and up; grows with every change.
    version: int
    #: Key of the digests by which texts are found again.
    tag_key: bytes
    #: None: all keys were destroyed.
    tree: KeyTree | None

    def without(self, leaves: Collection[int]) -> "KeyFile":
        """The next version, without these leaves' keys; itself, if they are gone already."""
        if self.tree is None or (tree := self.tree.without(leaves)) is self.tree:
            return self
        return dataclasses.replace(self, version=self.version + 1, tree=tree)

    def emptied(self) -> "KeyFile":
        """The last version, without any key; itself, if it is that."""
        if self.tree is None:
            return self
        return KeyFile(self.uid, self.version + 1, bytes(KEY_BYTES), None)

    def to_bytes(self) -> bytes:
        """The file."""
        tree = self.tree or KeyTree([], b"", b"")
        head = _HEADER.pack(MAGIC, self.uid.encode(), self.version, len(tree), self.tag_key)
        body = head + _little_endian(tree.firsts).tobytes() + tree.levels + tree.keys
        return body + hashlib.sha256(body).digest()


def new_key_file(uid: str) -> KeyFile:
    """Random keys for a collection."""
    return KeyFile(uid, 1, secrets.token_bytes(KEY_BYTES), new_tree())


def read_key_file(uid: str, content: bytes) -> KeyFile:
    """The keys in a file.

    Raises:
        VaultUnavailable: it is damaged, of another collection, or of a later version of this
            project.
    """
    body, checksum = content[:-_CHECKSUM_BYTES], content[-_CHECKSUM_BYTES:]
    if not content.startswith(MAGIC):
        raise VaultUnavailable(f"The keys of {uid} are in a format this version does not know.")
    if not hmac.compare_digest(hashlib.sha256(body).digest(), checksum):
        raise VaultUnavailable(f"The file with the keys of {uid} is damaged: restore it.")
    try:
        _, found, version, count, tag_key = _HEADER.unpack_from(body)
        if found != uid.encode():
            raise VaultUnavailable(f"The file with the keys of {uid} is another collection's.")
        nodes = memoryview(body)[_HEADER.size :]
        firsts = array("I", nodes[: count * 4].tobytes())
        levels = nodes[count * 4 : count * 5].tobytes()
        tree = KeyTree(_little_endian(firsts), levels, nodes[count * 5 :].tobytes())
    except (struct.error, ValueError) as error:
        raise VaultUnavailable(f"The file with the keys of {uid} makes no sense.") from error
    # A tree whose every leaf was destroyed one by one would have no nodes either; nobody can
    # destroy four thousand million.
    return KeyFile(uid, version, tag_key, tree if count else None)


def _little_endian(numbers: "array[int]") -> "array[int]":
    if sys.byteorder == "little":
        return numbers
    swapped = array("I", numbers)
    swapped.byteswap()
    return swapped
