"""8-bit graphs: kept where they stay close, refused with the figure where they don't."""

from pathlib import Path

import numpy as np
import onnx
import pytest

from models.errors import PreparationFailed, VariantRefused
from models.graphs.quantize import quantize
from models.results import Image
from models.session import open_session
from models.spec import ModelSpec
from models.testing import tiny_recogniser
from models.tuning.calibration_faces import VARIATIONS, CalibrationFaces, vary
from models.tuning.int8 import build_int8

SPEC = ModelSpec.model_validate(
    {
        "id": "net",
        "title": "Net",
        "task": "recognition",
        "family": "embedder",
        "profile": "lite",
        "licence": "MIT",
        "commercial_use": True,
        "priority": "low",
        "file": {"name": "net.onnx", "size_bytes": 1, "sha256": "0" * 64},
        "pixels": {"colour": "rgb"},
        "template": "arcface_112",
        "inputs": {"data": {"dtype": "float32", "dims": ["batch", 3, 8, 8]}},
        "outputs": {"fc1": {"dtype": "float32", "dims": ["batch", 4]}},
    }
)


def chips(seed: int) -> list[Image]:
    return list(np.random.default_rng(seed).integers(0, 256, (12, 8, 8, 3), dtype=np.uint8))


FACES = CalibrationFaces(fit=chips(0), judge=chips(1))


def stored(folder: Path, content: bytes) -> Path:
    path = folder / "net.onnx"
    path.write_bytes(content)
    return path


def test_a_graph_that_stays_close_is_put_into_integers(tmp_path: Path) -> None:
    content = build_int8(stored(tmp_path, tiny_recogniser()), SPEC, FACES)

    operators = {node.op_type for node in onnx.load_model_from_string(content).graph.node}
    assert {"QuantizeLinear", "DequantizeLinear"} <= operators


def test_a_batch_gives_what_single_runs_give(tmp_path: Path) -> None:
    session = open_session(build_int8(stored(tmp_path, tiny_recogniser()), SPEC, FACES))
    batch = np.random.default_rng(2).uniform(0, 255, (5, 3, 8, 8)).astype(np.float32)

    together = session.run({"data": batch})["fc1"]

    single = [session.run({"data": batch[i : i + 1]})["fc1"] for i in range(5)]
    np.testing.assert_allclose(together, np.concatenate(single), rtol=1e-5)


def test_a_graph_with_one_huge_channel_is_refused_with_the_figure(tmp_path: Path) -> None:
    with pytest.raises(VariantRefused, match=r"median cosine to fp32 is 0\.\d{4} on 12 chips"):
        build_int8(stored(tmp_path, tiny_recogniser(outlier=100.0)), SPEC, FACES)


def test_a_model_without_pixels_is_refused(tmp_path: Path) -> None:
    with pytest.raises(VariantRefused, match="from one chip to one embedding"):
        build_int8(
            stored(tmp_path, tiny_recogniser()), SPEC.model_copy(update={"pixels": None}), FACES
        )


def test_the_first_share_of_the_nodes_stays_float() -> None:
    feeds = [{"data": np.ones((1, 3, 8, 8), np.float32)}]

    def pairs(skip: float) -> int:
        content = quantize(tiny_recogniser(), "net", feeds, skip=skip)
        nodes = onnx.load_model_from_string(content).graph.node
        return sum(node.op_type == "QuantizeLinear" for node in nodes)

    assert pairs(1.0) == 0 < pairs(0.5) < pairs(0.0)


def test_what_is_no_graph_can_t_be_quantised() -> None:
    with pytest.raises(PreparationFailed):
        quantize(b"no graph", "net", [], skip=0)


def test_variations_are_the_same_every_time_and_begin_with_the_face_itself() -> None:
    faces = [np.full((8, 8, 3), 90, np.uint8), np.full((8, 8, 3), 200, np.uint8)]

    varied = vary(faces, seed=0)

    assert len(varied) == 2 * VARIATIONS
    np.testing.assert_array_equal(varied[0], faces[0])
    np.testing.assert_array_equal(varied[VARIATIONS], faces[1])
    assert all((one != faces[0]).any() for one in varied[1:VARIATIONS])
    np.testing.assert_array_equal(varied, vary(faces, seed=0))
    assert (np.array(varied) != np.array(vary(faces, seed=1))).any()
