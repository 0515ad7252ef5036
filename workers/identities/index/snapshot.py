"""The form of an index's snapshot: sections, each sealed by itself, one after another.

    8 bytes   "FSINDEX1"
    4 bytes   the leaf whose key seals it
    then of every section 8 bytes, its length, and the section, sealed:
      0       JSON: what the index is of, how far it has followed, how many faces and sections
      1       the persons' ids, a line each
      2       the faces' ids, 16 bytes each, then whose they are, 4 bytes each
      3..     the embeddings, up to 32,768 in a section

Numbers are little endian. A seal names the collection, the leaf and the section's number, and
authenticates every byte, so that no other checksum is needed.
"""

import json
import struct
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import asdict, dataclass
from itertools import chain
from typing import Final, Self

import numpy as np

from workers.identities.embeddings import STORED
from workers.identities.errors import SealBroken
from workers.identities.index.contents import Contents
from workers.identities.index.vectors import BLOCK_ROWS, Halves
from workers.identities.log_records import LogPlace
from workers.identities.records import EmbeddingContract

_MAGIC: Final = b"FSINDEX1"
_LEAF: Final = struct.Struct("<I")
_LENGTH: Final = struct.Struct("<Q")
HEADER_BYTES: Final = len(_MAGIC) + _LEAF.size
_FIRST_OF_VECTORS: Final = 3

#: Seals or opens a section: its number and its bytes.
Sealing = Callable[[int, bytes], bytes]
#: Reads so many bytes of a snapshot from a place on: first, size.
Read = Callable[[int, int], bytes]


@dataclass(frozen=True, kw_only=True, slots=True)
class About:
    """What a snapshot is of."""

    place: LogPlace
    #: The collection's; see `Collection.generation`.
    generation: int
    contract: EmbeddingContract
    faces: int

    @property
    def sections(self) -> int:
        """How many the snapshot has."""
        return _FIRST_OF_VECTORS + -(-self.faces // BLOCK_ROWS)

    def to_json(self) -> bytes:
        """As section 0 has it."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def from_json(cls, text: bytes) -> Self:
        """What `to_json` made."""
        read = json.loads(text)
        return cls(
            place=LogPlace(**read["place"]),
            generation=read["generation"],
            contract=EmbeddingContract(**read["contract"]),
            faces=read["faces"],
        )


def snapshot_parts(
    leaf: int, seal: Sealing, *, about: About, contents: Contents, vectors: Iterable[Halves]
) -> Generator[bytes, None, None]:
    """A snapshot, section by section.

    Args:
        leaf: Whose key seals it.
        seal: Seals a section.
        about: What it is of.
        contents: All but the embeddings.
        vectors: The embeddings in the order of rows, BLOCK_ROWS at a time; asked for one by one.
    """
    yield _MAGIC + _LEAF.pack(leaf)
    rows = contents.ids.astype("<u8").tobytes() + contents.whose.astype("<u4").tobytes()
    first = (about.to_json(), "\n".join(contents.persons).encode(), rows)
    blocks = (block.astype(STORED).tobytes() for block in vectors)
    for number, section in enumerate(chain(first, blocks)):
        sealed = seal(number, section)
        yield _LENGTH.pack(len(sealed))
        yield sealed


def leaf_of(header: bytes) -> int:
    """The leaf that a snapshot with such a header is sealed with.

    Raises:
        SealBroken: it is no snapshot.
    """
    if len(header) < HEADER_BYTES or not header.startswith(_MAGIC):
        raise SealBroken
    [leaf] = _LEAF.unpack_from(header, len(_MAGIC))
    return int(leaf)


class SnapshotReader:
    """Reads a snapshot section by section.

    Every method raises SealBroken where the snapshot is damaged.

    Args:
        read: Reads so many of its bytes.
        unseal: Opens a section.
    """

    def __init__(self, read: Read, unseal: Sealing) -> None:
        self._read = read
        self._unseal = unseal
        self._sections = self._all()
        self.about = About.from_json(next(self._sections))

    def contents(self) -> Contents:
        """All but the embeddings; to be asked for first."""
        persons = tuple(next(self._sections).decode().split("\n"))
        rows, faces = next(self._sections), self.about.faces
        ids = np.frombuffer(rows, "<u8", 2 * faces).astype(np.uint64).reshape(-1, 2)
        whose = np.frombuffer(rows, "<u4", faces, offset=16 * faces).astype(np.uint32)
        return Contents(persons=persons, ids=ids, whose=whose)

    def vectors(self) -> Iterator[Halves]:
        """The embeddings; to be asked for after the contents."""
        dimensions = self.about.contract.dimensions
        for section in self._sections:
            yield np.frombuffer(section, STORED).reshape(-1, dimensions)

    def _all(self) -> Iterator[bytes]:
        place, number, count = HEADER_BYTES, 0, 1
        while number < count:
            [size] = self._exactly(_LENGTH, place)
            sealed = self._read(place + _LENGTH.size, size)
            yield self._unseal(number, sealed)
            place += _LENGTH.size + size
            number += 1
            count = self.about.sections

    def _exactly(self, form: struct.Struct, place: int) -> tuple[int, ...]:
        part = self._read(place, form.size)
        if len(part) < form.size:
            raise SealBroken
        return form.unpack(part)
