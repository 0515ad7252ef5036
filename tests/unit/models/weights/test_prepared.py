"""The cache of prepared graphs."""

from pathlib import Path

import pytest

from models.errors import (
    PreparationFailed,
    WeightsCorrupt,
)
from models.spec import ModelSpec
from models.weights.sources.memory import (
    MemoryFetcher,
    pinned,
    zipped,
)
from models.weights.store import State, WeightStore

CONTENT = b"the weights of a network"
OTHER = b"the weights of another"


def model(content: bytes = CONTENT, *, fold: bool = True) -> ModelSpec:
    return ModelSpec.model_validate(
        {
            "id": "net",
            "title": "Net",
            "task": "detection",
            "family": "yunet",
            "profile": "lite",
            "licence": "MIT",
            "commercial_use": True,
            "priority": "low",
            "file": pinned(content),
            "prepare": {"fold_dequantize": fold},
            "inputs": {"x": {"dtype": "float32", "dims": ["batch", 3]}},
            "outputs": {"y": {"dtype": "float32", "dims": ["batch", 1]}},
        }
    )


FILE = pinned(CONTENT)


def preparing_store(root: Path, prepared: list[bytes]) -> WeightStore:
    """A store whose preparation upper-cases, and notes what it was given."""

    def prepare(original: bytes, spec: ModelSpec) -> bytes:
        prepared.append(original)
        if b"bad" in original:
            raise PreparationFailed(spec.id)
        return original.upper()

    fetcher = MemoryFetcher({"nets==1.0": zipped(a=CONTENT)})
    return WeightStore(root, fetchers={"pypi": fetcher}, prepare=prepare)


def test_a_graph_is_prepared_once(tmp_path: Path) -> None:
    calls: list[bytes] = []
    store = preparing_store(tmp_path, calls)
    store.pull(FILE)

    first, second = store.prepared(model()), store.prepared(model())

    assert first == second
    assert first.read_bytes() == CONTENT.upper()
    assert calls == [CONTENT]
    assert store.model_state(model()) is State.PREPARED


def test_a_graph_without_preparation_is_run_as_it_is(tmp_path: Path) -> None:
    calls: list[bytes] = []
    store = preparing_store(tmp_path, calls)
    spec = model(fold=False)
    store.pull(FILE)

    assert store.prepared(spec) == store.path(FILE)
    assert calls == []


def test_a_damaged_prepared_graph_is_found_and_made_anew(tmp_path: Path) -> None:
    store = preparing_store(tmp_path, [])
    store.pull(FILE)
    store.prepared(model()).write_bytes(b"damaged")

    with pytest.raises(WeightsCorrupt):
        store.verify_model(model())

    assert store.prepared(model()).read_bytes() == CONTENT.upper()
    store.verify_model(model())


@pytest.mark.parametrize("record", [None, b"", b"{}", b'{"sha256": "zz", "size_bytes": 1}'])
def test_a_prepared_graph_without_a_good_record_is_made_anew(
    tmp_path: Path, record: bytes | None
) -> None:
    calls: list[bytes] = []
    store = preparing_store(tmp_path, calls)
    store.pull(FILE)
    beside = store.prepared(model()).with_suffix(".json")
    beside.unlink()
    if record is not None:
        beside.write_bytes(record)

    store.prepared(model())

    assert len(calls) == 2


def test_another_contract_or_source_makes_another_prepared_graph(tmp_path: Path) -> None:
    store = preparing_store(tmp_path, [])
    store.pull(FILE)
    base = model().model_dump()
    output = {"y": {"dtype": "float32", "dims": ["batch", 2]}}

    changed = ModelSpec.model_validate({**base, "outputs": output})

    assert store.prepared(model()) != store.prepared(changed)
    assert store.prepared(model()) == store.prepared(model().model_copy(update={"title": "New"}))


def test_a_failed_preparation_stores_nothing(tmp_path: Path) -> None:
    store = preparing_store(tmp_path, [])
    bad = zipped(a=b"bad weights")
    WeightStore(tmp_path, fetchers={"pypi": MemoryFetcher({"nets==1.0": bad})}).pull(
        pinned(b"bad weights")
    )

    with pytest.raises(PreparationFailed):
        store.prepared(model(b"bad weights"))

    assert not list((tmp_path / "prepared").glob("*.onnx"))
    assert store.model_state(model(b"bad weights")) is State.PRESENT


def test_a_prepared_graph_outlives_the_file_it_was_made_from(tmp_path: Path) -> None:
    store = preparing_store(tmp_path, [])
    store.pull(FILE)
    ready = store.prepared(model())
    store.path(FILE).unlink()

    assert store.prepared(model()) == ready
