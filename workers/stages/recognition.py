"""Embeddings: of one model, or of all that are installed, voting together."""

from collections.abc import Sequence
from typing import Any

from models.recognition.embedder import FaceEmbedder
from models.recognition.ensemble import RecognitionEnsemble, member_weights
from models.results import Embedding
from workers.answer import RecognitionAnswer
from workers.choices import ENSEMBLE, candidates, ensemble_members
from workers.loaded import LoadedModel
from workers.residency import Residency
from workers.stages.chips import read_together
from workers.stages.stage import Picture, StageResult
from workers.stages.used_model import model_answer


class RecognitionStage:
    """Turns faces into embeddings."""

    def __init__(self, residency: Residency) -> None:
        self._residency = residency

    def run(self, pictures: Sequence[Picture]) -> list[StageResult]:
        """See Stage.run."""
        with self._residency.use(self._ids(pictures[0].options.recognition_model)) as models:
            each = self._embed(models, pictures)
            used = [model_answer(model) for model in models]
        return [
            StageResult(
                faces=[_answer(one, shown=picture.options.return_embeddings) for one in embeddings],
                models=used,
                whole={},
            )
            for picture, embeddings in zip(pictures, each, strict=True)
        ]

    def embeddings(self, pictures: Sequence[Picture]) -> list[list[Embedding]]:
        """The embeddings of each picture's faces, in their order.

        Raises:
            WeightsMissing: no model of the name in the options is installed.
            UnknownModel: there is no such model.
            InferenceFailed: the runtime refused a run.
        """
        with self._residency.use(self._ids(pictures[0].options.recognition_model)) as models:
            return self._embed(models, pictures)

    def _embed(
        self, models: Sequence[LoadedModel], pictures: Sequence[Picture]
    ) -> list[list[Embedding]]:
        members = [model.view(FaceEmbedder) for model in models]
        said = {
            member.model.id: read_together(pictures, member.chips, member.embed_chips)
            for member in members
        }
        if len(members) == 1:
            return said[members[0].model.id]
        table = self._residency.catalogue.ensembles.get("recognition", {})
        ensemble = RecognitionEnsemble(members, member_weights(list(said), table))
        return [
            ensemble.join({name: each[number] for name, each in said.items()})
            for number in range(len(pictures))
        ]

    def _ids(self, name: str | None) -> tuple[str, ...]:
        residency = self._residency
        if name is None:
            return (residency.pick(residency.catalogue.defaults["recognition"]),)
        wanted = candidates(name, ("recognition",), residency.catalogue)
        first = residency.pick(wanted)
        if name != ENSEMBLE:
            return (first,)
        members = ensemble_members("recognition", residency.catalogue)
        return tuple(sorted(member for member in members if member in residency.installed))


def _answer(embedding: Embedding, *, shown: bool) -> RecognitionAnswer:
    identity = embedding.model
    fields: dict[str, Any] = {
        "model": identity.id,
        "sha256": identity.sha256,
        "preprocessing_version": identity.preprocessing_version,
        "embedding_size": len(embedding.vector),
        "matches": None,
        "matches_missing": "no_database",
    }
    if shown:
        fields["embedding"] = tuple(map(float, embedding.vector))
    return RecognitionAnswer(**fields)
