"""What `facesocial evaluate identification` and `served` run."""

from collections.abc import Sequence
from pathlib import Path

from cli.evaluators import Evaluators
from cli.kept_vectors import kept_vectors, read_same, renamed
from cli.open_set_report import evaluate_open_set
from cli.served_pairs import Sending, compare_served, serve_pairs
from models.evaluation.labels import Tick
from models.evaluation.report import Report
from models.evaluation.verification import (
    FaceVectors,
    Pair,
    embed_faces,
    locate_faces,
    pair_cosines,
    read_pairs,
)
from models.recognition.ensemble import Embedder
from models.recognition.verify import point_at, thresholds_of
from workers.identities.records import EmbeddingContract


class PeopleEvaluators(Evaluators):
    """Opens recognition models by name and measures how they name and compare people."""

    def identification(  # noqa: PLR0913 - what is measured, and how much of it
        self,
        data: Path,
        name: str,
        *,
        count: int,
        sizes: Sequence[int | None],
        kept: Path | None,
        same: Path | None,
        tick: Tick,
    ) -> Report:
        """Measure open-set identification with a recognition model."""
        embedder = self.embedder(name)
        vectors = self._vectors(data, read_pairs(data), embedder, kept, tick)
        contract = EmbeddingContract(
            model=embedder.model.id,
            sha256=embedder.model.sha256,
            preprocessing_version=embedder.model.preprocessing_version,
            dimensions=vectors.vectors.shape[1],
        )
        return evaluate_open_set(
            renamed(vectors, read_same(same) if same else {}),
            contract,
            self.catalogue.thresholds.get(contract.model),
            data=data.name,
            sizes=sizes,
            count=count,
            tick=tick,
        )

    def served(
        self,
        data: Path,
        name: str,
        sending: Sending,
        *,
        limit: int | None,
        kept: Path | None,
        tick: Tick,
    ) -> Report:
        """Send pairs to a gateway, and compare them here as well.

        Raises:
            ThresholdsMissing: nothing was measured for the model, or not at that rate.
            ClientError: the gateway can't be reached, refuses, or a job failed.
        """
        embedder, pairs = self.embedder(name), read_pairs(data, limit)
        model = embedder.model.id
        measured = thresholds_of(model, self.catalogue.thresholds)
        point = point_at(measured, sending.far, model=model)
        vectors = self._vectors(data, pairs, embedder, kept, tick)
        answers = serve_pairs(sending, data, pairs, tick=tick)
        return compare_served(
            answers,
            pair_cosines(vectors, pairs),
            pairs,
            measured=measured,
            far=point.far,
            names=(model, data.name),
        )

    def _vectors(
        self, data: Path, pairs: Sequence[Pair], embedder: Embedder, kept: Path | None, tick: Tick
    ) -> FaceVectors:
        return kept_vectors(
            kept,
            embedder.model,
            {file for pair in pairs for file in (pair.file_a, pair.file_b)},
            lambda: embed_faces(locate_faces(data, pairs, self.find(), tick=tick), embedder),
        )
