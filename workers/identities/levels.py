"""What decides on similarities: a measured or chosen threshold, and what is known of it."""

from dataclasses import dataclass
from typing import Literal

from workers.identities.records import ThresholdSource

#: Where the threshold of one decision came from; "request": from whoever asked.
LevelSource = ThresholdSource | Literal["request"]


@dataclass(frozen=True, kw_only=True, slots=True)
class ThresholdPoint:
    """A measured threshold."""

    #: False accept rate of one comparison: share of pairs of strangers that reach the similarity.
    far: float
    similarity: float
    #: True accept rate there; None: the sample had no pairs of one person.
    tar: float | None
    #: The highest the false accept rate may really be: of a calibration the upper end of its 95 %
    #: interval, of a preset the rate itself.
    far_limit: float


@dataclass(frozen=True, kw_only=True, slots=True)
class VerifyLevels:
    """What decides whether two faces are one person's."""

    #: Similarity from which on they are.
    threshold: float
    #: The false accept rate it was measured at; None: it was chosen, not measured.
    far: float | None
    source: LevelSource
    #: All measured ones, by falling rate; empty when none were.
    points: tuple[ThresholdPoint, ...]
    #: What they were measured on; None when none were.
    origin: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class IdentifyLevels:
    """What decides who a face is, among so many faces."""

    #: Similarity from which on the most similar person is named.
    threshold: float
    #: Similarity from which on persons are listed, though none is named.
    uncertain: float
    #: Least distance in similarity of the best person to the second; nearer, none is named.
    margin: float
    #: The false accept rate of one comparison at `threshold`; None: it was chosen, not measured.
    far: float | None
    #: Faces of the collection that is searched.
    faces: int
    #: The share of strangers who may be named, as asked for; None: a threshold was chosen instead.
    fpir: float | None
    #: The share of strangers who reach `threshold` at most, by what was measured; None: nothing
    #: was measured so low.
    expected_fpir: float | None
    #: Whether a measured threshold keeps `fpir` among so many faces. If not, a stricter one is
    #: taken, beyond what was measured. None: no `fpir` was asked for.
    fpir_supported: bool | None
    source: LevelSource
    #: All measured ones, by falling rate; empty when none were.
    points: tuple[ThresholdPoint, ...]
    #: What they were measured on; None when none were.
    origin: str | None
    #: Whether `threshold` lies beyond the strictest measured one. If `fpir` is not supported and
    #: nothing could be extrapolated either, nobody is named.
    is_extrapolated: bool = False
