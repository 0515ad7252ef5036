"""One changed byte in any file that is run: found, and never loaded."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.catalogue import Catalogue
from models.errors import WeightsCorrupt, WeightsMissing
from models.loading import open_network
from models.spec import ModelSpec
from models.testing import tiny_onnx
from models.weights.sources.memory import MIRROR, MemoryFetcher, pinned
from models.weights.store import WeightStore

GRAPH = tiny_onnx(dims=(1, 3))
#: How the file came into the store, and which file of it is changed.
KINDS = ("pinned", "prepared", "recorded")


def spec_of(kind: str) -> ModelSpec:
    pinned_file = pinned(GRAPH, MIRROR).model_dump()
    return ModelSpec.model_validate(
        {
            "id": "net",
            "title": "Net",
            "task": "detection",
            "family": "yunet",
            "profile": "full",
            "licence": "MIT",
            "commercial_use": True,
            "priority": "low",
            "file": {"name": "a.onnx", "why": "-"} if kind == "recorded" else pinned_file,
            "prepare": {"dynamic": {"x": {"0": "batch"}} if kind == "prepared" else {}},
            "inputs": {"x": {"dtype": "float32", "dims": [batch_of(kind), 3]}},
            "outputs": {"y": {"dtype": "float32", "dims": [batch_of(kind), 3]}},
        }
    )


def batch_of(kind: str) -> int | str:
    return "batch" if kind == "prepared" else 1


def filled_store(root: Path, kind: str) -> tuple[WeightStore, ModelSpec]:
    """A store that has the model and can't fetch it again."""
    spec = spec_of(kind)
    fetcher = MemoryFetcher({MIRROR.urls[0]: GRAPH})
    if kind == "recorded":
        (root / "mine").write_bytes(GRAPH)
        WeightStore(root / "store").import_as(root / "mine", spec)
    else:
        WeightStore(root / "store", fetchers={"url": fetcher}).pull(pinned(GRAPH, MIRROR))
    store = WeightStore(root / "store", fetchers={})
    store.prepared(spec)
    return store, spec


@pytest.fixture(scope="module", params=KINDS)
def filled(request: pytest.FixtureRequest) -> Iterator[tuple[str, WeightStore, ModelSpec]]:
    with TemporaryDirectory() as folder:
        yield request.param, *filled_store(Path(folder), request.param)


@settings(max_examples=30, deadline=None)
@given(position=st.integers(0, 10_000), change=st.integers(1, 255))
def test_a_changed_byte_is_found_and_never_loaded(
    filled: tuple[str, WeightStore, ModelSpec], position: int, change: int
) -> None:
    kind, store, spec = filled
    path = store.prepared(spec)
    good = path.read_bytes()
    changed = bytearray(good)
    changed[position % len(good)] ^= change
    path.write_bytes(changed)

    with pytest.raises(WeightsCorrupt):
        store.verify_model(spec)
    if kind == "prepared":
        # Made anew from the published file, which is whole.
        assert store.prepared(spec).read_bytes() == good
    else:
        with pytest.raises(WeightsCorrupt):
            open_network(store, Catalogue(models={"net": spec}), spec)
        path.write_bytes(good)
    store.verify_model(spec)


def test_a_damaged_prepared_graph_is_not_loaded_where_it_can_t_be_made_anew(
    tmp_path: Path,
) -> None:
    store, spec = filled_store(tmp_path, "prepared")
    ready = store.prepared(spec)
    store.path(store.known(spec).file).unlink()
    ready.write_bytes(ready.read_bytes()[:-1] + b"!")

    with pytest.raises(WeightsMissing):
        open_network(store, Catalogue(models={"net": spec}), spec)


@pytest.mark.parametrize("kind", KINDS)
def test_a_loaded_network_tells_the_hash_of_its_file(tmp_path: Path, kind: str) -> None:
    store, spec = filled_store(tmp_path, kind)

    network = open_network(store, Catalogue(models={"net": spec}), spec)

    assert network.sha256 == pinned(GRAPH).sha256
