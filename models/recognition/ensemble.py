"""Several recognition models that answer as one: the weighted mean of their cosines.

similarity(a, b) = sum(w_i * cos_i(a, b)) / sum(w_i) over the members. That is the cosine of the
members' unit vectors, each scaled by sqrt(w_i / sum(w)), laid end to end; so an ensemble's
embedding is an ordinary one, and verification, galleries and evaluation need no second path.
"""

import hashlib
import math
from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np

from models.results import DetectedFace, Embedding, EmbeddingModel, Image


class Embedder(Protocol):
    """What turns faces into embeddings: FaceEmbedder, or an ensemble of them."""

    @property
    def model(self) -> EmbeddingModel:
        """What its embeddings can be compared with."""
        ...

    def embed(self, image: Image, faces: Sequence[DetectedFace]) -> list[Embedding]:
        """Embed faces of one image, (H, W, 3) uint8 RGB, in their order.

        Raises:
            InferenceFailed: the runtime refused a run.
        """
        ...


class RecognitionEnsemble:
    """Embeds faces with all members at once.

    Its id is its members' ids, sorted and joined by "+". Thresholds belong to exactly that
    combination: without one member the cosines are distributed differently.
    """

    def __init__(self, members: Sequence[Embedder], weights: Mapping[str, float]) -> None:
        """Join members.

        Args:
            members: At least two, of different models.
            weights: By model id, each above 0; see `member_weights`.

        Raises:
            ValueError: too few members, one of them twice, or a weight that is missing or not
                above 0.
        """
        self._members = sorted(members, key=lambda member: member.model.id)
        ids = [member.model.id for member in self._members]
        if len(set(ids)) < max(2, len(ids)):
            raise ValueError(f"An ensemble needs two different models at least, got {ids}.")
        if any(not weights.get(name, 0) > 0 for name in ids):
            raise ValueError(f"Each of {ids} needs a weight above 0, got {dict(weights)}.")
        total = sum(weights[name] for name in ids)
        self._scales = [math.sqrt(weights[name] / total) for name in ids]
        self._model = _identity(self._members, self._scales)

    @property
    def model(self) -> EmbeddingModel:
        """What its embeddings can be compared with: the same members with the same weights."""
        return self._model

    def embed(self, image: Image, faces: Sequence[DetectedFace]) -> list[Embedding]:
        """See Embedder.embed."""
        return self.join({each.model.id: each.embed(image, faces) for each in self._members})

    def join(self, answers: Mapping[str, Sequence[Embedding]]) -> list[Embedding]:
        """One embedding for each face, from what each member says of all of them.

        Args:
            answers: By the member's model id; all of one length.
        """
        in_order = [answers[member.model.id] for member in self._members]
        return [self._join(of_one_face) for of_one_face in zip(*in_order, strict=True)]

    def _join(self, parts: Sequence[Embedding]) -> Embedding:
        scaled = [
            part.vector * np.float32(scale) for part, scale in zip(parts, self._scales, strict=True)
        ]
        return Embedding(vector=np.concatenate(scaled), model=self._model)


def ensemble_id(ids: Sequence[str]) -> str:
    """The id of the ensemble of these models, under which its thresholds are kept."""
    return "+".join(sorted(ids))


def member_weights(ids: Sequence[str], table: Mapping[str, float]) -> dict[str, float]:
    """Weights of the members that are there.

    A member of the table keeps its weight; one that the table does not name gets the table's
    mean, so that it counts as much as a listed member does on average. Without a table, or with
    no listed member installed, all count the same.

    Args:
        ids: Models that are installed.
        table: The catalogue's `ensembles.recognition`.
    """
    default = sum(table.values()) / len(table) if table else 1.0
    return {name: table.get(name, default) for name in ids}


def _identity(members: Sequence[Embedder], scales: Sequence[float]) -> EmbeddingModel:
    models = [member.model for member in members]
    basis = "\n".join(
        f"{model.id} {model.sha256} {scale:.6f}"
        for model, scale in zip(models, scales, strict=True)
    )
    return EmbeddingModel(
        id=ensemble_id([model.id for model in models]),
        sha256=hashlib.sha256(basis.encode()).hexdigest(),
        preprocessing_version=" + ".join(model.preprocessing_version for model in models),
    )
