"""The port between those who look at faces and those who know people."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from models.results import Embedding
from workers.answers.identity import IdentificationAnswer, IdentityAnswer
from workers.contract import IdentifyOptions


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class SeenFace:
    """A face that is to be named."""

    embedding: Embedding
    #: Why it may not be named, whoever it is; empty when it may. See workers.gates.
    refusals: tuple[str, ...] = ()
    #: What its similarities are multiplied with, 0 to 1: the agreement of the photos that a mean
    #: embedding was made of. 1 for a single photo.
    agreement: float = 1.0


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class NamingOrder:
    """The faces of one image, or the people of one video, that are to be named."""

    options: IdentifyOptions
    #: May be none.
    faces: Sequence[SeenFace]
    #: The job, or the item of a batch, that wants it; for the audit.
    cause: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Named:
    """Who the faces are."""

    whole: IdentificationAnswer
    #: One for each face, in their order.
    faces: Sequence[IdentityAnswer]


class Namer(Protocol):
    """Names faces by the collections of known people."""

    def name(self, orders: Sequence[NamingOrder]) -> list[Named | Exception]:
        """Name the faces of several images, as far as they may be.

        An image's answer is only given once it is noted in the collection's audit.

        Returns:
            For each order who the faces are, or why nobody can say.
        """
        ...
