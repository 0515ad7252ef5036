"""The project's own deepfake detector: linear heads on inner layers of CLIP's image encoder.

The encoder is published and frozen; `models.training.deepfake` has fitted the head (`head.json`).
docs/explanation/deepfake-model-card.md says on what, how well it does, and where it fails.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationError

from models.deepfake.calibration import Platt
from models.deepfake.features import face_chip, pooled_patches
from models.deepfake.judge import Gate
from models.deepfake.results import VerdictThresholds
from models.errors import CatalogueError
from models.network import Network
from models.pixels import to_tensor
from models.results import DetectedFace, Image
from models.spec import Entry, PinnedFile, Sha256


class Trace(Entry):
    """What was fitted to one kind of manipulation."""

    #: "swapped" (faces swapped or altered in videos) or "generated" (wholly synthetic faces).
    name: str
    #: For the features as they come; standardisation is folded in.
    weights: tuple[float, ...]
    bias: float
    calibration: Platt


class Head(Entry):
    """What was fitted: a file of this package, written by `models.training.deepfake`."""

    #: What it was fitted on and with.
    origin: str
    #: The encoder's file: features of another one mean nothing to this head.
    encoder_sha256: Sha256
    #: The encoder's outputs whose mean patch tokens are the features, in this order.
    outputs: tuple[str, ...]
    #: The highest of their probabilities is the head's.
    traces: tuple[Trace, ...] = Field(min_length=1)
    #: From probabilities of faces that the fits had not seen.
    thresholds: VerdictThresholds
    #: Faces outside of it were not measured, or showed false alarms.
    gate: Gate
    #: Cross-validated figures by name.
    measured: dict[str, float]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class HeadScores:
    """What the head says of faces, in their order."""

    #: (N, traces) log-odds before calibration.
    raw: NDArray[np.float64]
    #: P(manipulated) by each trace, 0 to 1, for an even prior: by name, each of length N.
    by_trace: Mapping[str, tuple[float, ...]]
    #: The highest of them for each face.
    probabilities: tuple[float, ...]


def parse_head(text: str) -> Head:
    """Read a head file.

    Raises:
        CatalogueError: it is none.
    """
    try:
        return Head.model_validate_json(text)
    except ValidationError as error:
        raise CatalogueError(f"The deepfake head is not valid: {error}.") from error


@cache
def load_head() -> Head:
    """The head that ships with this version."""
    return parse_head(
        resources.files("models.deepfake").joinpath("head.json").read_text(encoding="utf-8")
    )


class ClipHead:
    """Scores faces with the encoder and a head."""

    def __init__(self, network: Network, head: Head | None = None) -> None:
        """Take over a loaded encoder.

        Args:
            network: The encoder, cut to the outputs the head reads.
            head: The shipped one when not given.

        Raises:
            CatalogueError: the head was fitted on another encoder or on outputs this one lacks.
        """
        head = head or load_head()
        spec = network.spec
        if spec.pixels is None:
            raise CatalogueError(f"{spec.id}: the entry does not say how pixels are fed.")
        pinned = spec.file.sha256 if isinstance(spec.file, PinnedFile) else None
        if pinned != head.encoder_sha256 or set(head.outputs) - set(spec.outputs):
            raise CatalogueError(f"{spec.id}: the head was fitted on another encoder.")
        self.spec = spec
        self.head = head
        self.thresholds: VerdictThresholds | None = head.thresholds
        self._session = network.session
        self._pixels = spec.pixels
        self._weights = np.array([trace.weights for trace in head.traces])
        self._bias = np.array([trace.bias for trace in head.traces])

    def features(self, image: Image, faces: Sequence[DetectedFace]) -> NDArray[np.float32]:
        """Mean patch tokens of each face of one image, in their order.

        Faces are run one by one: the encoder quantises a whole tensor with one scale, so in a
        batch each face would change the others' answers.

        Args:
            image: (H, W, 3) uint8, RGB.
            faces: Faces found in that image.

        Returns:
            (N, D) float32.

        Raises:
            InferenceFailed: the runtime refused a run.
        """
        return self.features_of(self.chips(image, faces))

    def chips(self, image: Image, faces: Sequence[DetectedFace]) -> list[Image]:
        """What the network sees of each face of one image: (H, W, 3) uint8, RGB."""
        return [face_chip(image, face.box, self.spec) for face in faces]

    def features_of(self, chips: Sequence[Image]) -> NDArray[np.float32]:
        """What `features` answers, for chips of one image or of several."""
        (feed,) = self.spec.inputs
        rows = [np.zeros((0, self._weights.shape[1]), np.float32)]
        for chip in chips:
            tensor = to_tensor([chip], self._pixels)
            rows.append(pooled_patches(self._session.run({feed: tensor}), self.head.outputs))
        return np.concatenate(rows)

    def scores(self, image: Image, faces: Sequence[DetectedFace]) -> HeadScores:
        """Score each face of one image; see `features` for arguments and errors."""
        return self.scores_of(self.features(image, faces))

    def scores_of(self, features: NDArray[np.float32]) -> HeadScores:
        """Score faces by their features, (N, D)."""
        raw = features @ self._weights.T + self._bias
        by_trace = {
            trace.name: tuple(trace.calibration.probability(float(value)) for value in column)
            for trace, column in zip(self.head.traces, raw.T, strict=True)
        }
        highest = tuple(max(each) for each in zip(*by_trace.values(), strict=True))
        return HeadScores(raw=raw, by_trace=by_trace, probabilities=highest)

    def probabilities(self, image: Image, faces: Sequence[DetectedFace]) -> list[float]:
        """P(manipulated) of each face of one image; see `features`."""
        return self.of_chips(self.chips(image, faces))

    def of_chips(self, chips: Sequence[Image]) -> list[float]:
        """P(manipulated) of chips, of one image or of several, in their order."""
        return list(self.scores_of(self.features_of(chips)).probabilities)
