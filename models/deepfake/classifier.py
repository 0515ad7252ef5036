"""Published deepfake classifiers: one chip of each face in, P(manipulated) out.

- MesoNet (Afchar et al., 2018; DariusAf/MesoNet): RGB / 255, 256x256, one value, **P(real)**; its
  authors' folders are df = 0, real = 1. Its training crops are faces with a little margin.
- The ViT of Deepfake-Detection-Exp-02-21: 224x224, RGB, (x / 255 - 0.5) / 0.5, two logits,
  **0 = Deepfake, 1 = Real** by its published id2label.
- Any graph with a single logit.

Which output means what is the catalogue entry's `labels`, never the code's.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.batching import run_chips
from models.deepfake.calibration import sigmoid, softmax
from models.deepfake.features import face_chip
from models.errors import CatalogueError
from models.network import Network
from models.results import DetectedFace, Image

LABELS = frozenset({"authentic", "manipulated"})


class DeepfakeClassifier:
    """A network that reads one chip of each face."""

    #: Nobody has measured thresholds for these on faces like a user's.
    thresholds = None

    def __init__(self, network: Network) -> None:
        """Take over a loaded model.

        Raises:
            CatalogueError: its entry does not say how pixels are fed or what the output means.
        """
        spec = network.spec
        known = bool(spec.labels) and set(spec.labels) <= LABELS
        if spec.pixels is None or spec.crop is None or spec.activation is None or not known:
            raise CatalogueError(
                f"{spec.id}: a deepfake classifier needs pixels, crop, activation, and labels of"
                f" {sorted(LABELS)}."
            )
        self.spec = spec
        self._session = network.session
        self._pixels = spec.pixels
        self._activation = spec.activation

    def probabilities(self, image: Image, faces: Sequence[DetectedFace]) -> list[float]:
        """P(manipulated) of each face of one image, in their order; not calibrated.

        Args:
            image: (H, W, 3) uint8, RGB.
            faces: Faces found in that image.

        Raises:
            InferenceFailed: the runtime refused a run.
        """
        return self.of_chips(self.chips(image, faces))

    def chips(self, image: Image, faces: Sequence[DetectedFace]) -> list[Image]:
        """What the network sees of each face of one image: (H, W, 3) uint8, RGB."""
        return [face_chip(image, face.box, self.spec) for face in faces]

    def of_chips(self, chips: Sequence[Image]) -> list[float]:
        """P(manipulated) of chips, of one image or of several, in their order.

        Raises:
            InferenceFailed: the runtime refused a run.
        """
        rows = run_chips(self._session, chips, self._pixels, self.spec.batch_buckets)
        return [manipulated(row, self.spec.labels, self._activation) for row in rows]


def manipulated(row: NDArray[np.floating[Any]], labels: Sequence[str], activation: str) -> float:
    """Read P(manipulated) from a network's answer.

    Args:
        row: (len(labels),); with one label, how much that class applies.
        labels: "authentic", "manipulated", by index; one of them, or both.
        activation: "logits" or "probabilities".

    Raises:
        CatalogueError: there are more or fewer values than labels.
    """
    if row.shape != (len(labels),):
        raise CatalogueError(f"The network answers {row.shape}, its entry names {list(labels)}.")
    values = row.astype(np.float64)
    if len(labels) == 1:
        value = sigmoid(float(values[0])) if activation == "logits" else float(values[0])
        return value if labels[0] == "manipulated" else 1 - value
    shares = softmax(values) if activation == "logits" else values / values.sum()
    return float(shares[list(labels).index("manipulated")])
