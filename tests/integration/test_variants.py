"""SFace's other graphs on real faces: the same embeddings, alone and in batches.

Measured on all 1,880 LFW pairs (2026-11-23), right at fp32's threshold: fp32 and fused 1,873, int8
1,873, one side fp32 and the other int8 1,871; median cosine of int8 to fp32 0.9968, lowest 0.9881.
See docs/explanation/graph-variants.md.
"""

import numpy as np
import pytest
from numpy.typing import NDArray

from models.batching import run_tensor
from models.catalogue import Catalogue, load_catalogue
from models.graphs.closeness import closeness
from models.loading import open_network
from models.network import Network
from models.pixels import to_tensor
from models.spec import ModelSpec, Variant
from models.tuning.calibration_faces import VARIATIONS, calibration_faces
from models.tuning.tune import make_int8
from models.weights.store import WeightStore

pytestmark = pytest.mark.weights


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue()


@pytest.fixture(scope="module")
def sface(catalogue: Catalogue) -> ModelSpec:
    return catalogue.model("sface")


@pytest.fixture(scope="module")
def chips(weights: WeightStore, catalogue: Catalogue, sface: ModelSpec) -> NDArray[np.float32]:
    """The seven sample faces, each once as it is and once varied."""
    faces = calibration_faces(weights, catalogue, sface)
    chosen = [face for group in (faces.fit, faces.judge) for face in group[::5]]
    assert sface.pixels is not None
    return to_tensor(chosen, sface.pixels)


@pytest.fixture(scope="module")
def fp32(weights: WeightStore, catalogue: Catalogue) -> Network:
    return open_network(weights, catalogue, catalogue.model("sface"), variant="fp32")


def embeddings(network: Network, chips: NDArray[np.float32]) -> NDArray[np.float32]:
    return run_tensor(network.session, chips, (1,))


def opened(weights: WeightStore, catalogue: Catalogue, variant: Variant) -> Network:
    if variant == "int8":
        make_int8(weights, catalogue, weights.known(catalogue.model("sface")))
    return open_network(weights, catalogue, catalogue.model("sface"), variant=variant)


@pytest.mark.parametrize(("variant", "lowest"), [("fused", 0.99999), ("int8", 0.985)])
def test_the_embeddings_are_close_and_a_batch_changes_nothing(
    weights: WeightStore,
    catalogue: Catalogue,
    fp32: Network,
    chips: NDArray[np.float32],
    variant: Variant,
    lowest: float,
) -> None:
    expected = embeddings(fp32, chips)
    network = opened(weights, catalogue, variant)

    found = embeddings(network, chips)

    measured = closeness(expected, found)
    assert measured.median >= max(lowest, 0.995)
    assert measured.lowest >= lowest
    together = run_tensor(network.session, chips, (1, 4, 8))
    np.testing.assert_allclose(together, found, rtol=1e-3, atol=1e-3)


def test_the_sample_photos_give_every_face_they_have(
    weights: WeightStore, catalogue: Catalogue, sface: ModelSpec
) -> None:
    faces = calibration_faces(weights, catalogue, sface)

    photos = sum(sample.faces for sample in catalogue.samples.values())
    assert len(faces.fit) + len(faces.judge) == VARIATIONS * photos
