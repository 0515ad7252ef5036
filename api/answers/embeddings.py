"""Embeddings that were compared, as clients see it."""

from api.answers import Answer
from api.answers.collections import Rate, Similarity


class MeasuredAnswer(Answer):
    """A threshold of the catalogue."""

    far: Rate
    similarity: Similarity
    tar: Rate


class EmbeddingsAnswer(Answer):
    """What two embeddings were held against."""

    #: Null with a threshold of one's own and no model.
    model: str | None
    threshold: Similarity
    #: The rate it was measured at; null when the caller chose it.
    far: Rate | None
    #: All measured for the model; empty when none were.
    thresholds: tuple[MeasuredAnswer, ...]
    origin: str | None


class ComparedEmbeddings(EmbeddingsAnswer):
    """Whether two embeddings are one person's."""

    #: Cosine, -1 to 1; no probability and no percentage.
    similarity: Similarity
    is_match: bool


class GalleryMatch(Answer):
    """How much one embedding of a gallery resembles the one asked about."""

    identity_id: str
    similarity: Similarity
    is_match: bool


class MatchedGallery(EmbeddingsAnswer):
    """Embeddings of a gallery by falling similarity."""

    matches: tuple[GalleryMatch, ...]
