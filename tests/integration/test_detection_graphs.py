"""The graphs of the detection engines that package registries carry, as their sessions run them."""

import numpy as np
import pytest

from models.catalogue import Catalogue, load_catalogue
from models.contract import InferenceSession
from models.loading import open_network
from models.weights.store import WeightStore

pytestmark = pytest.mark.weights


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue()


@pytest.mark.parametrize(
    ("name", "size"), [("centerface", (64, 96)), ("mtcnn_rnet", None), ("mtcnn_onet", None)]
)
def test_a_batch_answers_as_single_runs_do(
    weights: WeightStore, catalogue: Catalogue, name: str, size: tuple[int, int] | None
) -> None:
    spec = catalogue.models[name]
    session: InferenceSession = open_network(weights, catalogue, spec).session
    (feed,) = session.inputs
    shape = (3, *size) if size else tuple(dim for dim in feed.dims[1:] if isinstance(dim, int))
    chips = np.random.default_rng(2).normal(size=(3, *shape)).astype(np.float32)

    together = session.run({feed.name: chips})

    for index in range(3):
        alone = session.run({feed.name: chips[index : index + 1]})
        for output, value in alone.items():
            np.testing.assert_allclose(together[output][index], value[0], atol=1e-4)


@pytest.mark.parametrize("device", ["cpu", "sim:6144", "cuda:0"])
def test_mediapipe_s_engines_run_on_the_cpu_and_say_so(
    weights: WeightStore, catalogue: Catalogue, device: str
) -> None:
    network = open_network(weights, catalogue, catalogue.model("blazeface_short"), device=device)

    assert network.session.provider == "LiteRT CPU"
