"""A face as a direction: the cosine of two embeddings tells how alike two faces are."""

from collections.abc import Sequence

import numpy as np

from models.batching import ChipNetwork
from models.geometry import align
from models.results import DetectedFace, Embedding, Image, Points

CHIP_SIZE = 112
#: (5, 2) pixels of the 112x112 chip, in the order of LANDMARK_NAMES: the five-point template of
#: ArcFace (Deng et al., 2019), which InsightFace and OpenCV's `FaceRecognizerSF` align to.
TEMPLATE: Points = np.array(
    [
        [38.2946, 51.6963],
        [73.5318, 51.5014],
        [56.0252, 71.7366],
        [41.5493, 92.3655],
        [70.7299, 92.2041],
    ],
    np.float32,
)


class FaceEmbedder(ChipNetwork):
    """Embeds faces; the cosine of two embeddings tells how alike the faces are."""

    @property
    def embedding_size(self) -> int:
        """Length of an embedding's vector."""
        size = self._session.outputs[0].dims[-1]
        if not isinstance(size, int):
            raise TypeError("The graph does not fix the length of its output.")
        return size

    def embed(self, image: Image, faces: Sequence[DetectedFace]) -> list[Embedding]:
        """Embed faces of one image, in their order.

        Args:
            image: (H, W, 3) uint8, RGB.
            faces: Faces found in that image.

        Raises:
            InferenceFailed: the runtime refused a run.
        """
        chips = [align(image, face.landmarks, TEMPLATE, CHIP_SIZE) for face in faces]
        return [Embedding(vector=row / np.linalg.norm(row)) for row in self._rows(chips)]
