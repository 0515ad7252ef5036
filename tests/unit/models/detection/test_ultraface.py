"""Reading of UltraFace's boxes, on known answers."""

import numpy as np
import pytest
from numpy.typing import NDArray

from models.catalogue import load_catalogue
from models.detection.ultraface import UltraFace, decode
from models.errors import CatalogueError
from models.network import Network
from models.spec import TensorContract
from models.testing import ScriptedSession

Outputs = dict[str, NDArray[np.float32]]


def _outputs(rows: dict[int, tuple[float, tuple[float, ...]]]) -> Outputs:
    """Scores of faces and corners of some rows; all others see background."""
    scores = np.tile(np.array([1, 0], np.float32), (1, 4420, 1))
    boxes = np.zeros((1, 4420, 4), np.float32)
    for row, (score, corners) in rows.items():
        scores[0, row], boxes[0, row] = (1 - score, score), corners
    return {"scores": scores, "boxes": boxes}


def _look(image: NDArray[np.uint8], outputs: Outputs) -> tuple[list[list[float]], ScriptedSession]:
    spec = load_catalogue().model("ultraface_rfb320")
    session = ScriptedSession.of(spec, outputs)
    found = UltraFace(Network(spec=spec, session=session)).look(image, min_confidence=0.5)
    assert found.landmarks is None
    return found.boxes.tolist(), session


@pytest.mark.parametrize("seed", range(3))
def test_all_rows_are_read_as_one_by_one(seed: int) -> None:
    rng = np.random.default_rng(seed)
    scores = rng.uniform(size=(1, 50, 2)).astype(np.float32)
    boxes = rng.uniform(-0.1, 1.1, (1, 50, 4)).astype(np.float32)

    found = decode({"scores": scores, "boxes": boxes}, width=320, height=240, min_confidence=0.4)

    expected = [
        [score, left * 320, top * 240, (right - left) * 320, (bottom - top) * 240]
        for (_, score), (left, top, right, bottom) in zip(scores[0], boxes[0], strict=True)
        if score >= 0.4
    ]
    np.testing.assert_allclose(
        np.column_stack([found.scores, found.boxes]), expected, rtol=1e-4, atol=1e-3
    )


def test_an_upright_photo_keeps_its_shape_on_the_canvas() -> None:
    # 300x600 becomes 120x240, with a border of 100 at the left and at the right.
    image = np.full((600, 300, 3), (255, 127, 0), np.uint8)

    boxes, session = _look(image, _outputs({7: (0.9, (0.5, 0.25, 0.6, 0.5))}))

    [run] = session.runs
    assert run["input"].shape == (1, 3, 240, 320)
    inside = run["input"][0, :, :, 100:220]
    assert (
        inside.min(axis=(1, 2)).tolist() == inside.max(axis=(1, 2)).tolist() == [1, 0, -127 / 128]
    )
    np.testing.assert_allclose(boxes, [[(160 - 100) * 2.5, 150, 80, 150]], rtol=1e-5)


def test_only_confident_and_finite_rows_are_faces() -> None:
    image = np.zeros((240, 320, 3), np.uint8)
    good = (0.25, 0.25, 0.5, 0.5)

    boxes, _ = _look(
        image,
        _outputs({0: (0.49, good), 1: (0.5, good), 2: (0.9, (0, 0, np.inf, 1)), 3: (np.nan, good)}),
    )

    assert boxes == [[80, 60, 80, 60]]


def test_a_graph_of_any_size_is_refused() -> None:
    spec = load_catalogue().model("ultraface_rfb320")
    loose = TensorContract(dtype="float32", dims=(1, 3, "height", "width"))
    spec = spec.model_copy(update={"inputs": {"input": loose}})

    with pytest.raises(CatalogueError, match="one size"):
        UltraFace(Network(spec=spec, session=ScriptedSession.of(spec, {})))
