"""Embeddings: of one model, or of all that are installed, voting together."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from models.recognition.embedder import FaceEmbedder
from models.recognition.ensemble import Embedder, RecognitionEnsemble, member_weights
from models.results import DetectedFace, Embedding, Image
from workers.answer import RecognitionAnswer
from workers.choices import ENSEMBLE, candidates, ensemble_members
from workers.contract import AnalyzeOptions
from workers.residency import LoadedModel, Residency
from workers.stages.stage import StageResult


@dataclass(frozen=True, kw_only=True, slots=True)
class _Recogniser:
    embedder: Embedder
    models: Sequence[LoadedModel]


class RecognitionStage:
    """Turns faces into embeddings."""

    def __init__(self, residency: Residency) -> None:
        self._residency = residency
        self._opened: dict[str, _Recogniser] = {}

    def run(
        self, image: Image, faces: Sequence[DetectedFace], options: AnalyzeOptions
    ) -> StageResult:
        """See Stage.run."""
        recogniser = self.recogniser(options.recognition_model)
        answers = [
            _answer(embedding, shown=options.return_embeddings)
            for embedding in recogniser.embedder.embed(image, faces)
        ]
        return StageResult(faces=answers, models=recogniser.models, whole={})

    def recogniser(self, name: str | None) -> _Recogniser:
        """What embeds for that name: a model, the default one, or the ensemble.

        Raises:
            WeightsMissing: it is not installed.
            UnknownModel: there is no such model.
        """
        ids = self._ids(name)
        key = "+".join(ids)
        if key not in self._opened:
            models = [self._residency.model(model_id) for model_id in ids]
            self._opened[key] = _Recogniser(embedder=self._embedder(models), models=models)
        return self._opened[key]

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

    def _embedder(self, models: Sequence[LoadedModel]) -> Embedder:
        members = [FaceEmbedder(model.network) for model in models]
        if len(members) == 1:
            return members[0]
        table = self._residency.catalogue.ensembles.get("recognition", {})
        weights = member_weights([member.model.id for member in members], table)
        return RecognitionEnsemble(members, weights)


def _answer(embedding: Embedding, *, shown: bool) -> RecognitionAnswer:
    identity = embedding.model
    fields: dict[str, Any] = {
        "model": identity.id,
        "sha256": identity.sha256,
        "preprocessing_version": identity.preprocessing_version,
        "embedding_size": len(embedding.vector),
    }
    if shown:
        fields["embedding"] = tuple(map(float, embedding.vector))
    return RecognitionAnswer(**fields)
