"""Recognition models fed wrongly on purpose: what a broken pipeline would measure.

A network that is fed the wrong way still answers, only worse. These show how much worse, so that
a gate can be set between right and wrong.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal, get_args

import numpy as np

from models.network import Network
from models.recognition.chips import ARCFACE_SIZE, ARCFACE_TEMPLATE
from models.recognition.embedder import FaceEmbedder
from models.results import DetectedFace, Embedding, EmbeddingModel, Image, Points
from models.spec import PixelInput

#: `swapped_colour`: blue where red belongs. `unaligned`: the box is cut out as it is, instead of
#: the landmarks being moved to the template. `wrong_range`: 0 to 255 where about -1 to 1 belongs,
#: or the other way round.
Fault = Literal["swapped_colour", "unaligned", "wrong_range"]
FAULTS: tuple[Fault, ...] = get_args(Fault)


class FaultyEmbedder:
    """An embedder with one fault."""

    def __init__(self, network: Network, fault: Fault) -> None:
        """Break a copy of the model's entry; the network itself is shared.

        Raises:
            CatalogueError: the entry is not that of a recognition model.
        """
        spec = network.spec
        if spec.pixels is not None:
            spec = spec.model_copy(update={"pixels": _broken(spec.pixels, fault)})
        self._embedder = FaceEmbedder(replace(network, spec=spec))
        self._fault = fault

    @property
    def model(self) -> EmbeddingModel:
        """Its own identity: its embeddings compare with no right ones."""
        model = self._embedder.model
        return replace(model, preprocessing_version=f"{model.preprocessing_version} {self._fault}")

    def embed(self, image: Image, faces: Sequence[DetectedFace]) -> list[Embedding]:
        """See Embedder.embed."""
        if self._fault == "unaligned":
            faces = [replace(face, landmarks=_upright(face)) for face in faces]
        found = self._embedder.embed(image, faces)
        return [Embedding(vector=item.vector, model=self.model) for item in found]


def _broken(pixels: PixelInput, fault: Fault) -> PixelInput:
    if fault == "swapped_colour":
        colour = {"rgb": "bgr", "bgr": "rgb"}.get(pixels.colour, pixels.colour)
        return pixels.model_copy(update={"colour": colour})
    if fault == "wrong_range":
        raw = pixels.std == (1.0,)
        update = {"mean": (127.5,), "std": (127.5,)} if raw else {"mean": (0.0,), "std": (1.0,)}
        return pixels.model_copy(update=update)
    return pixels


def _upright(face: DetectedFace) -> Points:
    """Landmarks that make the alignment cut the box's enclosing square as it is."""
    box = face.box
    side = max(box.width, box.height)
    corner = (box.x + box.width / 2 - side / 2, box.y + box.height / 2 - side / 2)
    scaled = ARCFACE_TEMPLATE * np.float32(side / ARCFACE_SIZE)
    return scaled + np.array(corner, np.float32)
