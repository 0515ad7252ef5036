"""Deepfake detection on images: one or several models, gates, verdicts."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from models.deepfake.classifier import DeepfakeClassifier
from models.deepfake.clip_head import ClipHead, load_head
from models.deepfake.features import face_patch, sharpness
from models.deepfake.judge import Gate, combined, judge_face, judge_image, why_unusable
from models.deepfake.results import DeepfakeScore, DeepfakeVerdict, VerdictThresholds
from models.errors import CatalogueError
from models.network import Network
from models.results import DetectedFace, Image
from models.spec import FaceCrop, ModelSpec


class FaceModel(Protocol):
    """A deepfake model of any family."""

    @property
    def spec(self) -> ModelSpec:
        """Its catalogue entry; has a crop."""
        ...

    @property
    def thresholds(self) -> VerdictThresholds | None:
        """Its measured thresholds, if there are any."""
        ...

    def chips(self, image: Image, faces: Sequence[DetectedFace]) -> list[Image]:
        """What it sees of each face of one image (RGB uint8), in their order."""
        ...

    def of_chips(self, chips: Sequence[Image]) -> list[float]:
        """P(manipulated) of chips, of one image or of several, in their order."""
        ...


def model_of(network: Network) -> FaceModel:
    """The class of a network's family.

    Raises:
        CatalogueError: the family detects no deepfakes, or the entry lacks what it needs.
    """
    if network.spec.family == "clip_head":
        return ClipHead(network)
    if network.spec.family == "deepfake_classifier":
        return DeepfakeClassifier(network)
    raise CatalogueError(
        f"{network.spec.id}: no deepfake detector is of family '{network.spec.family}'."
    )


class DeepfakeDetector:
    """Scores and judges faces; the first model decides unless weights say otherwise."""

    def __init__(
        self,
        models: Sequence[FaceModel],
        *,
        weights: Mapping[str, float] | None = None,
        gate: Gate | None = None,
    ) -> None:
        """Take models over.

        Args:
            models: At least one.
            weights: By id, of the models whose probabilities are averaged. Without, the first
                model's is the score and the others' are only shown. Thresholds are those of a
                model that is counted alone: for an average nobody has measured any.
            gate: What faces must be; the shipped head's when not given. It holds for every model,
                since the published ones fail on small faces too.

        Raises:
            ValueError: no model, or weights for models that are not there.
        """
        if not models:
            raise ValueError("A detector needs at least one model.")
        self._models = {model.spec.id: model for model in models}
        self._weights = dict(weights or {models[0].spec.id: 1.0})
        if unknown := self._weights.keys() - self._models.keys():
            raise ValueError(f"There are weights for {sorted(unknown)}, which are not loaded.")
        counted = [name for name, weight in self._weights.items() if weight > 0]
        if not counted:
            raise ValueError("At least one model needs a weight above 0.")
        alone = self._models[counted[0]]
        self.thresholds = alone.thresholds if len(counted) == 1 else None
        self._gate = gate or load_head().gate
        self._crop = _crop_of(alone.spec)

    @classmethod
    def of(
        cls, networks: Sequence[Network], *, weights: Mapping[str, float] | None = None
    ) -> "DeepfakeDetector":
        """A detector of loaded networks of any deepfake family; see `model_of`."""
        return cls([model_of(network) for network in networks], weights=weights)

    def score(self, image: Image, faces: Sequence[DetectedFace]) -> list[DeepfakeScore]:
        """See FaceScorer.score."""
        each = {
            name: model.of_chips(model.chips(image, faces)) for name, model in self._models.items()
        }
        return self.scored(image, faces, each)

    def scored(
        self,
        image: Image,
        faces: Sequence[DetectedFace],
        each: Mapping[str, Sequence[float]],
    ) -> list[DeepfakeScore]:
        """What `score` answers, from what each model says of the faces, by its id."""
        return [
            self._scored(image, face, {name: values[place] for name, values in each.items()})
            for place, face in enumerate(faces)
        ]

    def judge(self, image: Image, faces: Sequence[DetectedFace]) -> list[DeepfakeVerdict]:
        """Judge each face of one image on its own, in their order."""
        return [judge_face(score, self.thresholds) for score in self.score(image, faces)]

    def judge_image(self, image: Image, faces: Sequence[DetectedFace]) -> DeepfakeVerdict:
        """Judge a whole image by its faces; see `models.deepfake.judge.judge_image`."""
        return judge_image(self.score(image, faces), self.thresholds)

    def _scored(
        self, image: Image, face: DetectedFace, by_model: Mapping[str, float]
    ) -> DeepfakeScore:
        reasons = why_unusable(
            face_pixels=max(face.box.width, face.box.height),
            sharpness=sharpness(face_patch(image, face.box, self._crop)),
            gate=self._gate,
        )
        return DeepfakeScore(
            probability=combined(by_model, self._weights),
            usable=not reasons,
            reasons=reasons,
            by_model=by_model,
        )


def _crop_of(spec: ModelSpec) -> FaceCrop:
    if spec.crop is None:
        raise CatalogueError(f"{spec.id}: the entry has no crop.")
    return spec.crop
