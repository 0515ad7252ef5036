"""Answers of batches as they are stored: packed to about a third, docs/performance.md.

Answers are short and alike. So what they have in common is not sent with each: one real answer is
the dictionary that all are packed against. It may never change, only get a successor.
"""

import base64
import zlib
from functools import cache
from importlib import resources

#: First letters of a packed text: JSON never begins so.
MARK = "z1:"
#: Shorter texts stay as they are.
SHORTEST = 200
#: Of zlib: 6 is its own default; 9 packs no smaller here and takes longer.
LEVEL = 6
#: Raw, without header and checksum: the store keeps what it is given.
_RAW = -15


def pack(text: str) -> str:
    """A text as it is stored: ASCII, or itself where packing would not help."""
    if len(text) < SHORTEST:
        return text
    packer = zlib.compressobj(LEVEL, zlib.DEFLATED, _RAW, zdict=_words())
    packed = packer.compress(text.encode()) + packer.flush()
    return MARK + base64.b64encode(packed).decode()


def unpack(stored: str) -> str:
    """The text that `pack` was given."""
    if not stored.startswith(MARK):
        return stored
    unpacker = zlib.decompressobj(_RAW, zdict=_words())
    packed = base64.b64decode(stored.removeprefix(MARK))
    return (unpacker.decompress(packed) + unpacker.flush()).decode()


@cache
def _words() -> bytes:
    return (resources.files("workers.batches") / "answer_words.txt").read_bytes()
