"""A network that tells a live face from a picture of one; label order comes from the catalogue."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.anti_spoofing.crops import cut, region
from models.anti_spoofing.results import LivenessScores
from models.batching import batch_sizes
from models.errors import CatalogueError, InferenceFailed
from models.network import Network
from models.pixels import to_tensor
from models.probabilities import shares_of
from models.results import DetectedFace, Image
from models.spec import ModelSpec

LIVE = "live"


class LivenessClassifier:
    """Family `liveness`: crops each face as its entry says and reads the classes it names."""

    def __init__(self, network: Network) -> None:
        """Take over a loaded model with one image input and one output (batch, classes).

        Raises:
            CatalogueError: the entry lacks what this family needs, or has no label `live`.
        """
        self._network = network
        spec = network.spec
        if spec.pixels is None or spec.crop is None or spec.activation is None:
            raise CatalogueError(f"{spec.id}: a liveness model needs pixels, crop and activation.")
        if spec.labels.count(LIVE) != 1:
            raise CatalogueError(f"{spec.id}: exactly one label must be '{LIVE}'.")
        self._pixels, self._crop, self._labels = spec.pixels, spec.crop, spec.labels
        self._logits = spec.activation == "logits"
        self._height, self._width = _chip_size(spec)

    @property
    def spec(self) -> ModelSpec:
        """The model's catalogue entry."""
        return self._network.spec

    def chips(self, image: Image, faces: Sequence[DetectedFace]) -> list[Image]:
        """What the network sees of each face: (H, W, 3) uint8, RGB.

        Args:
            image: (H, W, 3) uint8, RGB.
            faces: Faces found in that image.
        """
        height, width = image.shape[:2]
        return [
            cut(
                image,
                region(face.box, self._crop, width=width, height=height),
                width=self._width,
                height=self._height,
            )
            for face in faces
        ]

    def scores(self, image: Image, faces: Sequence[DetectedFace]) -> list[LivenessScores]:
        """Judge each face of one image, in their order.

        Args:
            image: (H, W, 3) uint8, RGB.
            faces: Faces found in that image.

        Raises:
            InferenceFailed: the runtime refused a run, or the answer is no probability.
        """
        return self.scores_of(self.chips(image, faces))

    def scores_of(self, chips: Sequence[Image]) -> list[LivenessScores]:
        """Judge faces by their chips, of one image or of several, in their order.

        Raises:
            InferenceFailed: see `scores`.
        """
        found: list[LivenessScores] = []
        for size in batch_sizes(len(chips), self.spec.batch_buckets):
            batch = chips[len(found) : len(found) + size]
            found += [self._read(row) for row in self._run(batch)]
        return found

    def _run(self, chips: Sequence[Image]) -> NDArray[np.floating[Any]]:
        session = self._network.session
        (feed,), (answer,) = session.inputs, session.outputs
        rows = session.run({feed.name: to_tensor(chips, self._pixels)})[answer.name]
        if rows.shape != (len(chips), len(self._labels)):
            raise InferenceFailed(f"{self.spec.id} answered {len(chips)} faces with {rows.shape}.")
        return rows

    def _read(self, row: NDArray[np.floating[Any]]) -> LivenessScores:
        if self._logits:
            try:
                shares = softmax(row)
            except ValueError as error:
                raise InferenceFailed(f"{self.spec.id}: {error}") from error
        else:
            shares = shares_of(row, model=self.spec.id)
        by_label = dict(zip(self._labels, shares.tolist(), strict=True))
        return LivenessScores(live=by_label[LIVE], by_label=by_label)


def softmax(logits: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Turn the logits of exclusive classes, (C,), into probabilities.

    Raises:
        ValueError: a logit is no finite number.
    """
    if not np.isfinite(logits).all():
        raise ValueError("the network answered with values that are no numbers.")
    exact = logits.astype(np.float64)
    grown = np.exp(exact - exact.max())
    shares: NDArray[np.float64] = grown / grown.sum()
    return shares


def _chip_size(spec: ModelSpec) -> tuple[int, int]:
    """Height and width of the one input."""
    contracts = list(spec.inputs.values())
    if len(contracts) != 1 or len(contracts[0].dims) != len("nchw") or spec.pixels is None:
        raise CatalogueError(f"{spec.id}: a liveness model takes one batch of images.")
    dims = contracts[0].dims
    height, width = dims[2:] if spec.pixels.axes == "nchw" else dims[1:3]
    if not isinstance(height, int) or not isinstance(width, int):
        raise CatalogueError(f"{spec.id}: a liveness model's chips have a fixed size.")
    return height, width
