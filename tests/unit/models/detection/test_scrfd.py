"""SCRFD's decoding against a slow and plain one, and what it refuses."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from models.catalogue import load_catalogue
from models.detection.scrfd import SCRFD, decode, levels_of
from models.errors import ContractMismatch
from models.network import Network
from models.spec import ModelSpec, TensorContract
from models.testing import ScriptedSession

Outputs = dict[str, NDArray[np.float32]]


@pytest.fixture
def spec() -> ModelSpec:
    return load_catalogue().models["scrfd_500m"]


def _outputs(spec: ModelSpec, seed: int) -> Outputs:
    rng = np.random.default_rng(seed)
    return {
        name: rng.random([int(dim) for dim in contract.dims]).astype(np.float32)
        for name, contract in spec.outputs.items()
    }


def _zeros(spec: ModelSpec) -> Outputs:
    return {name: values * 0 for name, values in _outputs(spec, 0).items()}


def _naive(outputs: Outputs, spec: ModelSpec, minimum: float) -> list[list[float]]:
    names = list(spec.outputs)
    rows = []
    for level, stride in enumerate((8, 16, 32)):
        scores, distances, points = (outputs[names[level + group]] for group in (0, 3, 6))
        index = 0
        for row in range(640 // stride):
            for column in range(640 // stride):
                for _ in range(2):
                    if scores[index, 0] >= minimum:
                        x, y = column * stride, row * stride
                        left, top, right, bottom = distances[index] * stride
                        marks = [
                            float(value * stride + (x, y)[axis % 2])
                            for axis, value in enumerate(points[index])
                        ]
                        rows.append(
                            [
                                x - left,
                                y - top,
                                left + right,
                                top + bottom,
                                scores[index, 0],
                                *marks,
                            ]
                        )
                    index += 1
    return rows


def test_decoding_equals_a_loop_over_anchors(spec: ModelSpec) -> None:
    outputs = _outputs(spec, 3)

    found = decode(outputs, levels_of(spec), min_confidence=0.99)

    assert found.landmarks is not None
    flat = np.column_stack(
        [found.boxes, found.scores, found.landmarks.reshape(len(found.scores), 10)]
    )
    expected = _naive(outputs, spec, 0.99)
    assert len(expected) > 100
    assert flat == pytest.approx(np.array(expected), abs=1e-3)


def test_a_face_is_found_where_its_anchor_says(spec: ModelSpec) -> None:
    outputs = _zeros(spec)
    # The second anchor of the cell in column 10, row 5 of stride 16: 2 * (5 * 40 + 10) + 1.
    outputs["468"][421] = 0.9
    outputs["471"][421] = (1, 2, 3, 4)
    outputs["474"][421] = np.arange(10) / 10
    network = Network(spec=spec, session=ScriptedSession.of(spec, outputs))

    found = SCRFD(network).look(np.zeros((320, 320, 3), np.uint8), min_confidence=0.5)

    # The canvas shows the image twice as large.
    assert found.boxes.tolist() == [[(160 - 16) / 2, (80 - 32) / 2, 64 / 2, 96 / 2]]
    assert found.landmarks is not None
    assert found.landmarks[0, 1] == pytest.approx([(160 + 3.2) / 2, (80 + 4.8) / 2])


def test_the_network_sees_rgb_around_zero_at_the_top_left_of_a_black_canvas(
    spec: ModelSpec,
) -> None:
    session = ScriptedSession.of(spec, _zeros(spec))
    image = np.full((100, 200, 3), (255, 0, 128), np.uint8)

    SCRFD(Network(spec=spec, session=session)).look(image, min_confidence=0.5)

    [feed] = session.runs
    canvas = feed["input.1"]
    assert canvas.shape == (1, 3, 640, 640)
    assert canvas[0, :, 0, 0] == pytest.approx([127.5 / 128, -127.5 / 128, 0.5 / 128])
    assert canvas[0, :, 319, 639] == pytest.approx(canvas[0, :, 0, 0])
    assert (canvas[0, :, 320:] == np.float32(-127.5 / 128)).all()


def test_values_that_are_no_numbers_are_no_faces(spec: ModelSpec) -> None:
    outputs = _zeros(spec)
    outputs["443"][:2] = 0.9
    outputs["446"][0, 2] = np.inf
    assert len(decode(outputs, levels_of(spec), min_confidence=0.5).scores) == 1


def test_outputs_in_another_order_are_refused(spec: ModelSpec) -> None:
    turned = spec.model_copy(update={"outputs": dict(reversed(spec.outputs.items()))})
    with pytest.raises(ContractMismatch, match="nine outputs"):
        levels_of(turned)


def test_a_level_with_the_anchors_of_another_is_refused(spec: ModelSpec) -> None:
    first, *rest = levels_of(spec)
    wrong = (replace(first, scores=rest[0].scores), *rest)
    with pytest.raises(ContractMismatch, match="has 3200 anchors; stride 8 has 12800"):
        decode(_zeros(spec), wrong, min_confidence=0.5)


def test_an_entry_with_too_few_outputs_is_refused(spec: ModelSpec) -> None:
    contract = TensorContract(dtype="float32", dims=(12800, 1))
    small = spec.model_copy(update={"outputs": {"443": contract}})
    with pytest.raises(ContractMismatch):
        levels_of(small)
