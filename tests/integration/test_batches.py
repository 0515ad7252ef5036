"""Every model that may be run in batches answers each member as if it were alone."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from models.catalogue import load_catalogue
from models.loading import open_network
from models.network import Network
from models.spec import ModelSpec
from models.weights.store import WeightStore

pytestmark = pytest.mark.weights

CATALOGUE = load_catalogue()
#: Models with a bucket above 1 and weights that a test may have: from an index, or from ../shared.
SHARED = {
    "edgeface_xs": "edgeface_xs_q_dequant.onnx",
    "gender_age_v1": "insightface_gender_age_v1_2018.onnx",
    "meso4_df": "Meso4_DF.onnx",
    "meso_inception_df": "MesoInception_DF.onnx",
}
BATCHED = [
    spec.id
    for spec in CATALOGUE.models.values()
    if max(spec.batch_buckets) > 1 and (spec.profile == "lite" or spec.id in SHARED)
]
#: Of the largest magnitude of an output. Float32 in another order of additions stays near 1e-6.
TOLERANCE = 1e-4


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> WeightStore:
    return WeightStore(tmp_path_factory.mktemp("imported"))


def _store(
    name: str, weights: WeightStore, imported: WeightStore, request: pytest.FixtureRequest
) -> WeightStore:
    if name not in SHARED:
        return weights
    shared: Path = request.getfixturevalue("shared")
    imported.import_from(shared / "models" / SHARED[name], CATALOGUE)
    return imported


def _noise(spec: ModelSpec, count: int) -> NDArray[np.float32]:
    """Reproducible inputs of one model, each darker than the next, in the range of its entry."""
    (contract,) = spec.inputs.values()
    sizes = [dim for dim in contract.dims[1:] if isinstance(dim, int)]
    assert len(sizes) == len(contract.dims) - 1
    noise = np.random.default_rng(3).uniform(0, 64, (count, *sizes))
    light = np.linspace(0, 190, count).reshape(count, *(1 for _ in sizes))
    values = (noise + light).astype(np.float32)
    mean, std = (spec.pixels.mean[0], spec.pixels.std[0]) if spec.pixels else (0.0, 255.0)
    scaled: NDArray[np.float32] = (values - np.float32(mean)) / np.float32(std)
    return scaled


def _run(network: Network, batch: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
    (feed,) = network.spec.inputs
    return network.session.run({feed: batch})


def test_the_list_is_not_empty_by_mistake() -> None:
    assert {"sface", "mobilefacenet_512", "cydral_age", "cydral_gender"} <= set(BATCHED)


@pytest.mark.parametrize("name", BATCHED)
def test_a_batch_gives_what_single_runs_give(
    name: str, weights: WeightStore, imported: WeightStore, request: pytest.FixtureRequest
) -> None:
    store = _store(name, weights, imported, request)
    spec = CATALOGUE.model(name)
    network = open_network(store, CATALOGUE, spec)
    for size in sorted({*spec.batch_buckets, *network.spec.batch_buckets}):
        inputs = _noise(spec, size)
        together = _run(network, inputs)
        singles = [_run(network, one[None]) for one in inputs]
        for output, answer in together.items():
            expected = np.concatenate([single[output] for single in singles])
            assert answer.shape == expected.shape
            assert np.isfinite(answer).all()
            largest = max(1.0, float(np.abs(expected).max()))
            np.testing.assert_allclose(answer, expected, rtol=0, atol=TOLERANCE * largest)
            # The members differ, so an answer in the wrong place would show.
            assert size == 1 or not np.allclose(expected[0], expected[-1], atol=1e-6)
