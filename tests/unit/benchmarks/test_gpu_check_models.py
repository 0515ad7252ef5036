"""The check's own graphs: of the wanted size, runnable, and the same each time."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.gpu_check.graphs import OUTPUTS, Shape, network
from benchmarks.gpu_check.inventory import NAMES, make_inventory
from models.catalogue import load_catalogue
from models.memory import MIB
from models.session import open_session
from models.weights.store import WeightStore


@pytest.mark.parametrize("weights_mib", [0.2, 1.0, 4.0, 12.0, 37.0, 90.0])
def test_weights_come_out_as_wanted(weights_mib: float) -> None:
    shape = Shape(weights_mib=weights_mib, channels=3, height=16, width=16)

    found = len(network(shape, seed=0)) / MIB

    assert found == pytest.approx(weights_mib, rel=0.35, abs=0.2)


@pytest.mark.parametrize(("batch", "sizes"), [(None, (1, 3)), (1, (1,))])
def test_they_run_on_finite_values(batch: int | None, sizes: tuple[int, ...]) -> None:
    shape = Shape(weights_mib=5.0, channels=3, height=20, width=32, batch=batch)
    session = open_session(network(shape, seed=0))

    for size in sizes:
        images = np.random.default_rng(0).uniform(-1, 1, (size, 3, 20, 32)).astype(np.float32)
        answer = session.run({"x": images})["y"]
        assert answer.shape == (size, OUTPUTS)
        assert np.isfinite(answer).all()
        assert answer.std() > 0


def test_the_same_seed_gives_the_same_graph() -> None:
    shape = Shape(weights_mib=1.0, channels=1, height=16, width=16)

    assert network(shape, seed=3) == network(shape, seed=3)
    assert network(shape, seed=3) != network(shape, seed=4)


def test_without_weights_every_model_has_a_graph_of_its_own(tmp_path: Path) -> None:
    inventory = make_inventory(tmp_path, None, scale=0.02)

    assert inventory.own == NAMES
    assert inventory.real == ()
    for spec in inventory.specs:
        assert inventory.store.prepared(spec).is_file()
        assert spec.priority == load_catalogue().model(spec.id).priority
        assert spec.batch_buckets == load_catalogue().model(spec.id).batch_buckets


def test_all_priorities_are_among_them() -> None:
    catalogue = load_catalogue()

    assert {catalogue.model(name).priority for name in NAMES} == {
        "critical",
        "high",
        "medium",
        "low",
    }


@pytest.mark.weights
def test_installed_weights_are_used_at_full_size_only(weights: WeightStore, tmp_path: Path) -> None:
    small = make_inventory(tmp_path / "small", weights, scale=0.02)

    assert small.real == ()
