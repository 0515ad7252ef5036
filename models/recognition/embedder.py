"""A face as a direction: the cosine of two embeddings tells how alike two faces are."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.batching import run_chips
from models.errors import CatalogueError, InferenceFailed
from models.network import Network
from models.recognition.chips import CUTTERS
from models.results import DetectedFace, Embedding, EmbeddingModel, Image
from models.spec import PixelInput

#: Part of every embedding's identity: raise it whenever cutting, alignment or resampling changes,
#: so that embeddings from before and after are never compared.
PREPROCESSING_VERSION = 1


class FaceEmbedder:
    """Embeds faces as the model's catalogue entry says: `template`, `pixels`, `batch_buckets`."""

    def __init__(self, network: Network) -> None:
        """Take over a loaded model whose graph has one input and one output.

        Raises:
            CatalogueError: the entry lacks the template or the pixels.
        """
        spec = network.spec
        if spec.template is None or spec.pixels is None:
            raise CatalogueError(f"{spec.id}: a recognition model needs `template` and `pixels`.")
        self._session = network.session
        self._buckets = spec.batch_buckets
        self._cut = CUTTERS[spec.template]
        self._pixels = spec.pixels
        self._model = EmbeddingModel(
            id=spec.id,
            sha256=network.sha256,
            # Rounded weights turn a vector by more than any change of the pixels may.
            preprocessing_version=preprocessing_version(spec.template, spec.pixels)
            + (" int8" if network.variant == "int8" else ""),
        )

    @property
    def model(self) -> EmbeddingModel:
        """What its embeddings can be compared with."""
        return self._model

    @property
    def embedding_size(self) -> int:
        """Length of an embedding's vector."""
        size = self._session.outputs[0].dims[-1]
        if not isinstance(size, int):
            raise TypeError("The graph does not fix the length of its output.")
        return size

    def embed(self, image: Image, faces: Sequence[DetectedFace]) -> list[Embedding]:
        """Embed faces of one image, in their order; without faces nothing is run.

        Args:
            image: (H, W, 3) uint8, RGB.
            faces: Faces found in that image.

        Raises:
            InferenceFailed: the runtime refused a run, or answered with a vector that has no
                direction.
        """
        return self.embed_chips(self.chips(image, faces))

    def chips(self, image: Image, faces: Sequence[DetectedFace]) -> list[Image]:
        """What the network sees of each face of one image: (H, W, 3) uint8, RGB."""
        return [self._cut(image, face) for face in faces]

    def embed_chips(self, chips: Sequence[Image]) -> list[Embedding]:
        """Embed chips that were cut already, of one image or of several, in their order.

        Raises:
            InferenceFailed: see `embed`.
        """
        rows = run_chips(self._session, chips, self._pixels, self._buckets)
        return [Embedding(vector=self._unit(row), model=self._model) for row in rows]

    def _unit(self, row: NDArray[Any]) -> NDArray[np.float32]:
        wide = row.astype(np.float64)
        norm = float(np.linalg.norm(wide))
        # Written so that a NaN fails too.
        if not 0 < norm < np.inf:
            raise InferenceFailed(
                f"{self._model.id} answered with a vector of norm {norm}, which has no direction."
                " Its weights are damaged, or the runtime computes wrongly on this device."
            )
        return (wide / norm).astype(np.float32)


def preprocessing_version(template: str, pixels: PixelInput) -> str:
    """What is done to the pixels, in one line: equal lines mean equal treatment."""
    mean, std = ("/".join(f"{value:g}" for value in values) for values in (pixels.mean, pixels.std))
    return f"{PREPROCESSING_VERSION} {template} {pixels.colour} mean={mean} std={std}"
