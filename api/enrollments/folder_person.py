"""The person a folder stands for, where no list says whom photos show."""

import hashlib
import re
import unicodedata

from workers.identities.records import CLIENT_ID, NewPerson

_OTHER = re.compile(r"[^A-Za-z0-9._-]+")
#: Of the folder's digest: folders that look alike in ASCII stay apart.
_DIGITS = 8
_LONGEST_WORDS = 64 - _DIGITS - 1


def folder_of(name: str) -> str:
    """The folder a file lies in, with those above it; "": in none."""
    return name.rpartition("/")[0]


def folder_person(folder: str) -> NewPerson:
    """The person of a folder, named as the folder is.

    The id is the folder's name where it can be one. Otherwise it is made of its letters and a
    digest, the same for the same name everywhere.

    Args:
        folder: A path; its last part counts.
    """
    name = folder.rpartition("/")[2]
    if CLIENT_ID.fullmatch(name):
        return NewPerson(id=name, name=name)
    folded = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    words = _OTHER.sub("-", folded).strip("-._")[:_LONGEST_WORDS]
    digest = hashlib.sha256(unicodedata.normalize("NFC", name).encode()).hexdigest()[:_DIGITS]
    return NewPerson(id=f"{words or 'person'}-{digest}", name=name)
