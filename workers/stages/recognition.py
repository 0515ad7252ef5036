"""Embeddings: of one model, or of all that are installed, voting together."""

from collections.abc import Sequence
from typing import Any

from models.catalogue import Catalogue
from models.recognition.embedder import FaceEmbedder
from models.recognition.ensemble import Embedder, RecognitionEnsemble, member_weights
from models.results import Embedding
from workers.answers.analysis import RecognitionAnswer
from workers.choices import ENSEMBLE, candidates, ensemble_members
from workers.devices.loaded import LoadedModel
from workers.devices.residency import Residency
from workers.stages.chips import read_together
from workers.stages.stage import Picture, StageResult
from workers.stages.used_model import model_answer


class RecognitionStage:
    """Turns faces into embeddings."""

    def __init__(self, residency: Residency) -> None:
        self._residency = residency

    def run(self, pictures: Sequence[Picture]) -> list[StageResult]:
        """See Stage.run."""
        wanted = recognition_ids(self._residency, pictures[0].options.recognition_model)
        with self._residency.use(wanted) as models:
            each = self._embed(models, pictures)
            used = [model_answer(model) for model in models]
        return [
            StageResult(
                faces=[_answer(one, shown=picture.options.return_embeddings) for one in embeddings],
                models=used,
                whole={},
                embeddings=embeddings,
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
        wanted = recognition_ids(self._residency, pictures[0].options.recognition_model)
        with self._residency.use(wanted) as models:
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


def recognition_ids(residency: Residency, name: str | None) -> tuple[str, ...]:
    """Ids of the models that embed for that name; several vote together.

    Args:
        residency: Lends what is installed.
        name: An id, alias, or "ensemble"; None: the default model.

    Raises:
        WeightsMissing: none of them is installed.
        UnknownModel: there is no such model, or it does something else.
    """
    if name is None:
        return (residency.pick(residency.catalogue.defaults.get("recognition", ())),)
    wanted = candidates(name, ("recognition",), residency.catalogue)
    first = residency.pick(wanted)
    if name != ENSEMBLE:
        return (first,)
    members = ensemble_members("recognition", residency.catalogue)
    return tuple(sorted(member for member in members if member in residency.installed))


def embedder_of(models: Sequence[LoadedModel], catalogue: Catalogue) -> Embedder:
    """What embeds faces with a model, or with several that vote together."""
    members = [model.view(FaceEmbedder) for model in models]
    if len(members) == 1:
        return members[0]
    table = catalogue.ensembles.get("recognition", {})
    return RecognitionEnsemble(
        members, member_weights([member.model.id for member in members], table)
    )


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
