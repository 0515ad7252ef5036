"""One vote of all frames in which a person of a video is seen, on who that is."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.deepfake.video import Sighting
from models.quality import assess
from models.results import Embedding, EmbeddingModel
from workers.naming import SeenFace


@dataclass(kw_only=True, slots=True, eq=False)
class _Votes:
    model: EmbeddingModel
    #: Sum of the embeddings, each times its face's quality, and of the qualities.
    total: NDArray[np.float64]
    weight: float = 0.0


class TrackVotes:
    """Gathers what is seen of each person of a video; holds one entry per track.

    A track's similarity with an enrolled face is the mean of its frames' similarities with it,
    weighted by the quality of the faces (`models.quality`, 0 to 1). As similarities are products,
    that is the similarity of the weighted mean of the embeddings, so one search does; its length,
    1 where all frames agree and less the more they differ, is the vote's `agreement`. A mean never
    lies above the best of its frames, so the vote of many frames passes no stranger whom not a
    single one of them would pass.
    """

    def __init__(self) -> None:
        self._votes: dict[int, _Votes] = {}

    def add(self, sighting: Sighting) -> None:
        """Count a frame; see models.deepfake.video.Watch."""
        embedding = sighting.embedding
        votes = self._votes.setdefault(
            sighting.track,
            _Votes(
                model=embedding.model,
                total=np.zeros(len(embedding.vector), np.float64),
            ),
        )
        quality = assess(sighting.image, sighting.face).score
        votes.total += quality * embedding.vector
        votes.weight += quality

    def face(self, track: int, *, refusals: Sequence[str] = ()) -> SeenFace:
        """A person as all frames together show them.

        Args:
            track: One that was added.
            refusals: Why the person may not be named.
        """
        votes = self._votes[track]
        mean = votes.total / (votes.weight or 1.0)
        agreement = float(np.linalg.norm(mean))
        # Without a direction there is nothing to compare.
        unclear = () if agreement > 0 else ("low_quality",)
        return SeenFace(
            embedding=Embedding(
                vector=(mean / (agreement or 1.0)).astype(np.float32), model=votes.model
            ),
            refusals=(*refusals, *unclear),
            agreement=min(1.0, agreement),
        )
