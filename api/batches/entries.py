"""What a form, an archive or a list holds: photos, and what is refused of it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

#: Longest id of an item, characters.
LONGEST_ID = 200
#: What operating systems put into archives beside the photos.
_LITTER = re.compile(r"(^|/)(__MACOSX/.*|\._[^/]*|\.DS_Store|Thumbs\.db|desktop\.ini)$")
_WINDOWS_PATH = re.compile(r"[A-Za-z]:|.*\\")
#: First bytes of files that hold other files.
_ARCHIVES = (
    b"PK\x03\x04",  # ZIP and what is built on it
    b"PK\x05\x06",
    b"\x1f\x8b",  # gzip
    b"BZh",
    b"\xfd7zXZ\x00",
    b"7z\xbc\xaf\x27\x1c",
    b"Rar!\x1a\x07",
    b"\x28\xb5\x2f\xfd",  # zstd
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Photo:
    """A file that may be a photo; nothing of its content was looked at yet."""

    #: The item's id: the client's own, or the file's name. Data, never a path.
    id: str
    content: bytes
    #: See workers.batches.records.NewItem, as of the leaf.
    subject: str = ""
    leaf: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Refused:
    """Something that was sent and can't be an item's photo."""

    id: str
    #: Stable; listed in docs/reference/errors.md.
    code: str
    message: str
    #: See workers.batches.records.NewItem.
    subject: str = ""
    #: Whether the same may be taken later.
    retryable: bool = False


Entry = Photo | Refused
Entries = Iterator[Entry]


def is_litter(name: str) -> bool:
    """Whether a file is one that operating systems leave in archives, no photo of anybody's."""
    return _LITTER.search(name) is not None


def is_archive(content: bytes) -> bool:
    """Whether a file holds other files: archives in archives are not opened."""
    return content.startswith(_ARCHIVES) or content[257:262] == b"ustar"


def wrong_id(name: str) -> str | None:
    """Why a name can't be an item's id; None when it can.

    Ids are never used as paths. Those that would leave a folder are refused all the same: whoever
    unpacks results by id must not be led astray.
    """
    if not name or len(name) > LONGEST_ID:
        return f"A name has 1 to {LONGEST_ID} characters."
    if not name.isprintable():
        return "A name has printable characters only."
    if name.startswith("/") or _WINDOWS_PATH.match(name) or ".." in name.split("/"):
        return "A name is no absolute path and leaves no folder."
    return None


def unnamed(number: int) -> str:
    """The id of what has no usable name, by its place in what was sent, from 1."""
    return f"entry-{number}"
