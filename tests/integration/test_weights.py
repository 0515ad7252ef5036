"""The real weights, fetched and prepared by the store."""

from pathlib import Path

import numpy as np
import onnx
import pytest

from models.catalogue import Catalogue, fetchable, load_catalogue
from models.contract import verify_contract
from models.graphs.prepare import prepare
from models.loading import open_network
from models.session import open_session
from models.weights.store import WeightStore

pytestmark = pytest.mark.weights


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue()


def pixels(*shape: int, seed: int = 0) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return np.random.default_rng(seed).uniform(0, 255, shape).astype(np.float32)


def test_every_prepared_graph_is_as_declared(weights: WeightStore, catalogue: Catalogue) -> None:
    for spec in catalogue.of_profile("lite"):
        verify_contract(open_network(weights, catalogue, spec, variant="fp32").session, spec)


@pytest.mark.parametrize("name", ["yunet", "sface"])
def test_preparing_again_gives_the_stored_bytes(
    weights: WeightStore, catalogue: Catalogue, name: str
) -> None:
    spec = catalogue.model(name)

    again = prepare(weights.path(weights.known(spec).file).read_bytes(), spec)

    assert again == weights.prepared(spec).read_bytes()


@pytest.mark.parametrize("name", ["yunet", "sface"])
def test_a_prepared_graph_has_one_input_and_no_quantised_weight(
    weights: WeightStore, catalogue: Catalogue, name: str
) -> None:
    graph = onnx.load(weights.prepared(catalogue.model(name))).graph

    assert len(graph.input) == 1
    assert "DequantizeLinear" not in {node.op_type for node in graph.node}
    assert onnx.TensorProto.INT8 not in {tensor.data_type for tensor in graph.initializer}


def test_yunet_answers_for_every_cell_at_another_size_and_batch(
    weights: WeightStore, catalogue: Catalogue
) -> None:
    session = open_session(weights.prepared(catalogue.model("yunet")))
    picture = pixels(2, 3, 256, 320)

    found = session.run({"input": picture})

    for stride in (8, 16, 32):
        cells = (256 // stride) * (320 // stride)
        assert found[f"cls_{stride}"].shape == (2, cells, 1)
        assert found[f"kps_{stride}"].shape == (2, cells, 10)
    alone = session.run({"input": picture[1:]})
    for name, value in alone.items():
        np.testing.assert_allclose(found[name][1:], value, atol=1e-4)


def test_four_faces_at_once_have_the_embeddings_of_four_single_ones(
    weights: WeightStore, catalogue: Catalogue
) -> None:
    session = open_session(weights.prepared(catalogue.model("sface")))
    faces = pixels(4, 3, 112, 112)

    together = session.run({"data": faces})["fc1"]

    singles = np.concatenate([session.run({"data": faces[i : i + 1]})["fc1"] for i in range(4)])
    assert together.shape == (4, 128)
    np.testing.assert_allclose(together, singles, atol=1e-4)


def test_the_whole_store_can_be_carried_over_as_a_folder(
    weights: WeightStore, catalogue: Catalogue, tmp_path: Path
) -> None:
    offline = WeightStore(tmp_path, fetchers={})

    found = offline.import_from(weights.root / "files", catalogue)

    files = fetchable(catalogue.of_profile("lite"))
    assert {one.file.sha256 for one in found} >= {file.sha256 for file in files}
    assert len(found) >= len(files) + len(catalogue.samples)
    for file in files:
        offline.verify(file)
