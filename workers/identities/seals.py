"""How what is known of people is encrypted, so that destroying a key forgets it everywhere.

Every person, every face and every snapshot of an index has a leaf: a number that is never used
twice in a collection. Its key can be derived from the collection's keys until the leaf is
destroyed; from then on nobody can, whatever copies of the sealed text there are in backups, logs or
snapshots.
`workers.identities.keys` implements this on a key vault.
"""

from collections.abc import Collection
from typing import Protocol


class Seals(Protocol):
    """Seals and opens bytes of collections.

    Every method may raise VaultUnavailable; it does so for a collection whose keys were never made
    or are lost, and for an old copy of keys that was put back.
    """

    def create(self, uid: str) -> None:
        """Make a collection's keys. Repeating it changes nothing."""
        ...

    def seal(self, uid: str, leaf: int, plain: bytes, *, purpose: str) -> bytes:
        """Encrypt with a leaf's key.

        Args:
            uid: Of the collection.
            leaf: 0 to 2^32 - 1.
            plain: Anything.
            purpose: What is sealed and where it lies, such as "face face_0..": opened with another
                one, the seal is broken.

        Raises:
            KeyDestroyed: the leaf's key, or the collection's, was destroyed: take another leaf.
        """
        ...

    def open(self, uid: str, leaf: int, sealed: bytes, *, purpose: str) -> bytes:
        """What was sealed.

        Raises:
            KeyDestroyed: see `seal`.
            SealBroken: it was changed, or sealed for another purpose, leaf or collection.
        """
        ...

    def tag(self, uid: str, text: str) -> str:
        """A keyed digest by which a text is found again without being stored, hexadecimal.

        Raises:
            KeyDestroyed: the collection's keys were destroyed.
        """
        ...

    def next_leaf(self, uid: str, at_least: int) -> int:
        """The first leaf from that number on whose key was not destroyed.

        Raises:
            KeyDestroyed: the collection's keys were destroyed.
        """
        ...

    def destroy_leaves(self, uid: str, leaves: Collection[int]) -> int:
        """Destroy keys for good, of leaves that were never used too. May be repeated.

        Returns:
            Version of the vault's file from which on they are gone; see `refresh`.
        """
        ...

    def destroy(self, uid: str) -> int:
        """Destroy all keys of a collection for good. May be repeated.

        Returns:
            As `destroy_leaves`.
        """
        ...

    def refresh(self, uid: str, version: int) -> None:
        """Forget keys held in memory that are older than that version of the vault's file.

        From then on no older version is believed. Costs nothing where there is nothing to forget,
        so it may be called with every use.
        """
        ...
