"""What is told to those who follow a collection's faces: records without behaviour."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from workers.identities.records import EmbeddingContract, FaceVector


@dataclass(frozen=True, kw_only=True, slots=True)
class LogPlace:
    """How far a reader has followed a collection's log. Start: version 0, mark ""."""

    version: int = 0
    #: Random text of the entry with that version: tells a log that was put back from a backup.
    mark: str = ""


#: added, removed: of faces. moved: faces belong to another person now. reset: all vectors have
#: changed, so read them anew.
ChangeKind = Literal["added", "removed", "moved", "reset"]


@dataclass(frozen=True, kw_only=True, slots=True)
class LoggedChange:
    """An entry of a collection's log. It holds no vector and no name."""

    place: LogPlace
    kind: ChangeKind
    #: Whose the faces are now; "" of "reset".
    person_id: str
    face_ids: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class LogHead:
    """What a reader must know to answer from its index."""

    place: LogPlace
    generation: int
    #: None while there is no face.
    contract: EmbeddingContract | None
    faces: int


@dataclass(frozen=True, kw_only=True, slots=True)
class FacePage:
    """Part of a collection's vectors, in no order; a face may come twice."""

    vectors: Sequence[FaceVector]
    #: Where the next part begins; "": there is none.
    cursor: str
