"""What a calibration tells: rates and counts, nobody in particular. The gateway imports it too."""

from workers.answers.part import Answer
from workers.answers.work import WorkAnswer


class MeasuredPointAnswer(Answer):
    """A threshold for comparisons, with 95 % confidence intervals."""

    #: False accept rate: share of pairs of strangers that reach the similarity.
    far: float
    similarity: float
    far_low: float
    far_high: float
    #: True accept rate there; null without pairs of one person.
    tar: float | None
    tar_low: float | None
    tar_high: float | None


class MeasuredSearchAnswer(Answer):
    """A threshold for searches."""

    #: Share of strangers who reach the similarity at most, with 97.5 % confidence.
    fpir: float
    similarity: float
    #: Share of the collection's own faces that reached it in a search among all others.
    measured: float
    #: Up to how many faces in the collection that holds.
    faces: int


class UnsupportedRateAnswer(Answer):
    """A false accept rate the collection is too small for."""

    far: float
    reason: str


class ScoreCountsAnswer(Answer):
    """How many pairs have which similarity, in equal steps from -1 to 1."""

    genuine: tuple[int, ...]
    impostor: tuple[int, ...]


class CalibrateAnswer(WorkAnswer):
    """Thresholds measured on a collection's own faces."""

    #: The collection, as its owner calls it.
    collection: str
    #: What made its embeddings; null while it has no face.
    model: str | None
    sha256: str | None
    preprocessing_version: str | None
    #: The collection's version it was measured at.
    at_version: int
    #: Faces of the collection then, and of those the ones that were measured.
    collection_faces: int
    faces: int
    persons: int
    genuine_pairs: int
    impostor_pairs: int
    points: tuple[MeasuredPointAnswer, ...]
    searches: tuple[MeasuredSearchAnswer, ...]
    unsupported: tuple[UnsupportedRateAnswer, ...]
    #: Null while there is nothing to count.
    scores: ScoreCountsAnswer | None
