"""What whoever adds faces goes by, and is told when it has changed meanwhile."""

from collections.abc import Callable, Sequence
from collections.abc import Collection as Some
from dataclasses import dataclass

from workers.identities.records import FaceVector


@dataclass(frozen=True, kw_only=True, slots=True)
class FacesCame:
    """Faces that others have added since; those that are gone again are left out."""

    vectors: Sequence[FaceVector]
    #: Of the collection, with them.
    version: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Compared:
    """Faces that are to be added were compared with everybody's."""

    #: Of the collection, as far as that went.
    version: int
    #: Compares them with what has come since, right before they are added; tells the ids of those
    #: that are to be added still. May be called several times.
    hold_against: Callable[[FacesCame], Some[str]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """What somebody goes by who adds faces: is it otherwise by now, none is added."""

    #: Of the collection, when the vectors were made; None: whichever it is.
    generation: int | None = None
    #: Of the person: whoever was made under their id since is another one. None: whoever has it.
    leaf: int | None = None
    #: None: they were not compared.
    compared: Compared | None = None


#: Of somebody who goes by nothing.
NOTHING_SEEN = Seen()
