"""The cache of variants: made once, judged once, never run when damaged."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from models.errors import VariantRefused
from models.machine import Machine
from models.spec import PinnedSpec
from models.weights.prepared import preparation_key
from models.weights.sources.memory import MemoryFetcher, pinned, zipped
from models.weights.store import WeightStore
from models.weights.variants import VariantCache, variant_key

CONTENT = b"the weights of a network"
HERE = Machine(cpu="AMD EPYC", features=("avx2",), runtime="onnxruntime 1.0")


def model(**changes: object) -> PinnedSpec:
    return PinnedSpec.model_validate(
        {
            "id": "net",
            "title": "Net",
            "task": "recognition",
            "family": "embedder",
            "profile": "lite",
            "licence": "MIT",
            "commercial_use": True,
            "priority": "low",
            "file": pinned(CONTENT),
            "inputs": {"x": {"dtype": "float32", "dims": ["batch", 3]}},
            "outputs": {"y": {"dtype": "float32", "dims": ["batch", 1]}},
            **changes,
        }
    )


@pytest.fixture
def store(tmp_path: Path) -> WeightStore:
    fetcher = MemoryFetcher({"nets==1.0": zipped(a=CONTENT)})
    store = WeightStore(tmp_path, fetchers={"pypi": fetcher})
    store.pull(pinned(CONTENT))
    return store


@pytest.fixture
def cache(store: WeightStore) -> VariantCache:
    return VariantCache(store, machine=HERE)


class Builder:
    """Upper-cases, or refuses, and counts."""

    def __init__(self, *, refuse: bool = False) -> None:
        self.calls = 0
        self._refuse = refuse

    def __call__(self, original: Path) -> bytes:
        self.calls += 1
        if self._refuse:
            raise VariantRefused("net: the median cosine is 0.9.")
        return original.read_bytes().upper()


def test_fp32_is_the_prepared_graph_itself(cache: VariantCache, store: WeightStore) -> None:
    assert cache.find(model(), "fp32") == store.prepared(model())


def test_a_variant_is_made_once_and_found_after(cache: VariantCache) -> None:
    build = Builder()
    assert cache.find(model(), "fused") is None

    first, second = (cache.make(model(), "fused", build) for _ in range(2))

    assert build.calls == 1
    assert first == second == cache.find(model(), "fused")
    assert isinstance(first, Path)
    assert first.read_bytes() == CONTENT.upper()


def test_a_damaged_variant_is_never_found_and_made_anew(cache: VariantCache) -> None:
    path = cache.make(model(), "fused", Builder())
    assert isinstance(path, Path)
    path.write_bytes(b"damaged")
    assert cache.find(model(), "fused") is None

    cache.make(model(), "fused", Builder())

    assert path.read_bytes() == CONTENT.upper()


def test_a_refusal_is_remembered_with_its_reason_until_it_is_forgotten(
    cache: VariantCache,
) -> None:
    build = Builder(refuse=True)
    for _ in range(2):
        with pytest.raises(VariantRefused, match=r"cosine is 0\.9"):
            cache.make(model(), "int8", build)
    assert build.calls == 1
    assert cache.refusal(model(), "int8") == "net: the median cosine is 0.9."
    assert cache.find(model(), "int8") is None

    cache.forget_refusal(model(), "int8")

    assert cache.refusal(model(), "int8") is None
    cache.make(model(), "int8", Builder())


def test_a_refusal_that_can_t_be_read_is_judged_anew(cache: VariantCache, tmp_path: Path) -> None:
    with pytest.raises(VariantRefused):
        cache.make(model(), "int8", Builder(refuse=True))
    (note,) = (tmp_path / "prepared").glob("*.refused.json")
    note.write_bytes(b"{")

    assert cache.make(model(), "int8", Builder()) == cache.find(model(), "int8")


def test_many_at_once_build_once(cache: VariantCache) -> None:
    build = Builder()
    with ThreadPoolExecutor(8) as pool:
        paths = set(pool.map(lambda _: cache.make(model(), "fused", build), range(16)))

    assert build.calls == 1
    assert len(paths) == 1


def test_a_folder_in_the_way_of_the_locks_still_serves_the_graph(
    cache: VariantCache, tmp_path: Path
) -> None:
    locks = tmp_path / "locks"
    for file in locks.iterdir():
        file.unlink()
    locks.rmdir()
    locks.write_text("no folder")

    assert cache.make(model(), "fused", Builder()) == CONTENT.upper()
    assert cache.find(model(), "fused") is None


def test_a_key_changes_with_all_a_variant_depends_on() -> None:
    keys = {
        variant_key(model(), "int8", HERE),
        variant_key(model(), "fused", HERE),
        variant_key(model(), "int8", replace(HERE, runtime="onnxruntime 1.1")),
        variant_key(model(), "fused", replace(HERE, runtime="onnxruntime 1.1")),
        variant_key(model(), "int8", replace(HERE, features=())),
        variant_key(model(file=pinned(b"other weights")), "int8", HERE),
        variant_key(model(prepare={"fold_dequantize": True}), "int8", HERE),
        variant_key(model(pixels={"colour": "bgr"}), "int8", HERE),
        preparation_key(model()),
    }

    assert len(keys) == 9
    assert variant_key(model(), "int8", HERE) == variant_key(model(title="New"), "int8", HERE)


def test_a_float_graph_is_made_once_for_all_processors() -> None:
    other = replace(HERE, cpu="another", features=("avx512_vnni",))

    assert variant_key(model(), "fused", HERE) == variant_key(model(), "fused", other)
