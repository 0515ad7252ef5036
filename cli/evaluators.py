"""What `facesocial evaluate` runs: models of the store, and the detector before them."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from cli.in_process import open_residency
from models.anti_spoofing.classifier import LivenessClassifier
from models.anti_spoofing.ensemble import LivenessEnsemble, weights_among
from models.deepfake.detector import DeepfakeDetector
from models.demographics.families import open_demographics
from models.detection.families import open_detector
from models.detection.search import FaceSearch, SearchOptions
from models.errors import ThresholdsMissing, UnknownModel
from models.evaluation.deepfake import (
    CROP_SETS,
    evaluate_deepfake,
    picture_scorer,
    take_whole,
)
from models.evaluation.demographics import evaluate_demographics, on_nearest_face
from models.evaluation.detection import evaluate_detection
from models.evaluation.labels import Tick
from models.evaluation.liveness import LivenessSample, Score, evaluate_liveness
from models.evaluation.report import Report
from models.evaluation.verification import Find, locate_faces, read_pairs
from models.evaluation.verification_report import VerificationResult, evaluate_located
from models.network import Network
from models.recognition.embedder import FaceEmbedder
from models.recognition.ensemble import Embedder, RecognitionEnsemble, member_weights
from models.results import Box, DetectedFace, Image
from models.spec import Task
from workers.choices import (
    ENSEMBLE,
    candidates,
    demographics_candidates,
    ensemble_members,
)
from workers.devices.engines import open_engine
from workers.settings.process import load_settings

#: Faces looked for in a photo of a labelled set, whichever of them counts.
MOST_FACES = 50
#: What a detector is measured with: the lowest confidence a request may ask for (below it, AP moves
#: by 0.001), and as many faces as the fullest photo of WIDER FACE shows.
LEAST_CONFIDENCE, MOST_FACES_MEASURED = 0.05, 2000


class Evaluators:
    """Opens models by name and measures them."""

    def __init__(self, detector: str | None = None) -> None:
        """Read the settings; nothing is loaded yet.

        Args:
            detector: Name of what finds the faces; the default detector when not given.

        Raises:
            SettingsError: a setting is wrong.
        """
        self._residency = open_residency(load_settings())
        #: The models that are known, with their thresholds.
        self.catalogue = self._residency.catalogue
        self._detector = detector

    def verification(
        self, data: Path, names: Sequence[str], *, limit: int | None, tick: Tick
    ) -> Iterator[VerificationResult]:
        """Measure recognition models on the same faces, which are found once."""
        embedders = [self.embedder(name) for name in names]
        pairs = read_pairs(data, limit)
        located = locate_faces(data, pairs, self.find(), tick=tick)
        chosen = {"--detector": self._detector, "--limit": limit}
        options = " ".join(f"{name} {value}" for name, value in chosen.items() if value)
        for embedder in embedders:
            yield evaluate_located(located, pairs, embedder, options=options, tick=tick)

    def detection(self, data: Path, name: str, *, limit: int | None, tick: Tick) -> Report:
        """Measure a detector."""
        network = self._network(name, "detection")
        search = self._search(network)
        options = SearchOptions(min_confidence=LEAST_CONFIDENCE, max_faces=MOST_FACES_MEASURED)

        def find(image: Image) -> Sequence[tuple[Box, float]]:
            return [(face.box, face.confidence) for face in search.find(image, options).faces]

        return evaluate_detection(data, find, model=network.spec.id, limit=limit, tick=tick)

    def liveness(self, data: Path, name: str, *, limit: int | None, tick: Tick) -> Report:
        """Measure an anti-spoofing model, or all that are installed, voting together."""
        weights = self._liveness_weights(name)
        members = {
            model_id: LivenessClassifier(self._residency.model(model_id).network)
            for model_id in weights
        }
        score = largest_scored(self.find(), LivenessEnsemble(members, weights))
        model = "+".join(sorted(weights))
        return evaluate_liveness(data, score, model=model, limit=limit, tick=tick)

    def deepfake(self, data: Path, name: str | None, *, limit: int | None, tick: Tick) -> Report:
        """Measure a deepfake model, or the default one."""
        if name is None:
            network = self._residency.for_task("deepfake").network
        else:
            network = self._network(name, "deepfake")
        crop = network.spec.crop
        find = take_whole(crop) if crop and data.name in CROP_SETS else self.find()
        score = picture_scorer(DeepfakeDetector.of([network]), find)
        return evaluate_deepfake(data, score, model=network.spec.id, limit=limit, tick=tick)

    def demographics(
        self, data: Path, name: str | None, *, limit: int | None, tick: Tick
    ) -> Report:
        """Measure a model of age and gender, or the default pair of models."""
        if name is None:
            networks = [self._residency.for_task(task).network for task in ("age", "gender")]
        else:
            sets = demographics_candidates(name, self._residency.catalogue)
            networks = [model.network for model in self._residency.first_installed_set(sets)]
        estimate = on_nearest_face(self.find(), open_demographics(*networks))
        model = "+".join(network.spec.id for network in networks)
        return evaluate_demographics(data, estimate, model=model, limit=limit, tick=tick)

    def find(self) -> Find:
        """The detector with its own threshold: all faces of an image, largest first."""
        network = (
            self._residency.for_task("detection").network
            if self._detector is None
            else self._network(self._detector, "detection")
        )
        search = self._search(network)
        options = SearchOptions(
            min_confidence=open_detector(network).default_confidence, max_faces=MOST_FACES
        )

        def find(image: Image) -> Sequence[DetectedFace]:
            return search.find(image, options).faces

        return find

    def embedder(self, name: str) -> Embedder:
        """A recognition model, or several: `A+B`, or `ensemble` for all that are installed.

        Raises:
            UnknownModel: a name means no recognition model, or one model is named twice.
            WeightsMissing: a model is not installed.
        """
        if name == ENSEMBLE:
            ids = self._installed("recognition")
        else:
            ids = [self._id(part, "recognition") for part in name.split("+")]
        if len(set(ids)) < len(ids):
            raise UnknownModel(f"'{name}' names a model twice.")
        members = [FaceEmbedder(self._residency.model(model_id).network) for model_id in ids]
        if len(members) == 1:
            return members[0]
        table = self.catalogue.ensembles.get("recognition", {})
        return RecognitionEnsemble(members, member_weights(ids, table))

    def _liveness_weights(self, name: str) -> dict[str, float]:
        if name != ENSEMBLE:
            return {self._id(name, "anti_spoofing"): 1.0}
        table = self.catalogue.ensembles.get("anti_spoofing", {})
        return weights_among(table, self._residency.installed)

    def _installed(self, task: Task) -> list[str]:
        """Members of the ensemble that are here; at least one."""
        members = ensemble_members(task, self.catalogue)
        self._residency.pick(members)
        return [member for member in members if member in self._residency.installed]

    def _id(self, name: str, *tasks: Task) -> str:
        return self._residency.pick(candidates(name, tasks, self.catalogue))

    def _network(self, name: str, *tasks: Task) -> Network:
        return self._residency.model(self._id(name, *tasks)).network

    def _search(self, network: Network) -> FaceSearch:
        return open_engine(self._residency, network.spec.id).search


def largest_scored(find: Find, ensemble: LivenessEnsemble) -> Score:
    """Judge the largest face of a picture."""

    def score(image: Image) -> LivenessSample | None:
        faces = find(image)[:1]
        if not faces:
            return None
        [verdict] = ensemble.judge(image, faces)
        return LivenessSample(live=verdict.score, outcome=verdict.outcome)

    return score


def threshold_entry(result: VerificationResult) -> str:
    """The catalogue entry, as TOML, of what was measured.

    Raises:
        ThresholdsMissing: the set has too few pairs.
    """
    measured, name = result.thresholds, result.report.model
    if measured is None:
        raise ThresholdsMissing(f"{result.report.data} has too few pairs to measure thresholds.")
    key = f'"{name}"' if "+" in name else name
    points = "\n".join(
        f"  {{ far = {point.far:g}, similarity = {point.similarity:.4f}, tar = {point.tar} }},"
        for point in measured.points
    )
    return (
        f"[thresholds.{key}]\n"
        f"points = [\n{points}\n]\n"
        f"genuine_pairs = {measured.genuine_pairs}\n"
        f"impostor_pairs = {measured.impostor_pairs}\n"
        f'origin = "{measured.origin}"\n'
    )
