"""How much memory a model is expected to take, and on what ground that is said."""

import itertools

import pytest

from models.catalogue import Catalogue, load_catalogue
from models.detection import mtcnn, yunet
from models.detection.windows import PYRAMID_STEP, WINDOW
from models.memory import (
    CUDNN_WORKSPACE_MIB,
    MIB,
    MeasuredGraph,
    MemoryTable,
    arena_limit_bytes,
    expected_mib,
    load_memory_table,
)
from models.run_sizes import run_sizes
from models.spec import PinnedFile

CATALOGUE = load_catalogue()
SHA256 = "0" * 64
NOTHING = MemoryTable(runtime="none", measured_at="never", models={})
MEASURED = sorted(load_memory_table().models)


def _table(
    name: str, run_mib: dict[int, int], *, sha256: str = "", weights_mib: int = 10
) -> MemoryTable:
    file = CATALOGUE.models[name].file
    assert isinstance(file, PinnedFile)
    graph = MeasuredGraph(
        sha256=sha256 or file.sha256,
        weights_bytes=weights_mib * MIB,
        run_bytes={size: mib * MIB for size, mib in run_mib.items()},
        convolutions=True,
    )
    return MemoryTable(runtime="test", measured_at="now", models={name: graph})


@pytest.mark.parametrize(("bucket", "expected"), [(1, 12), (2, 14), (3, 20), (8, 20)])
def test_the_next_larger_measured_batch_counts(bucket: int, expected: int) -> None:
    table = _table("sface", {1: 2, 2: 4, 8: 10})

    found = expected_mib(CATALOGUE.model("sface"), bucket, catalogue=CATALOGUE, table=table)

    assert (found.mib, found.basis) == (expected, "measured_cpu_arena")


def test_only_cuda_is_charged_cudnn_s_workspace() -> None:
    table = _table("sface", {1: 2})
    spec = CATALOGUE.model("sface")

    simulated = expected_mib(spec, catalogue=CATALOGUE, table=table)
    card = expected_mib(spec, catalogue=CATALOGUE, table=table, cuda=True)

    assert (simulated.mib, simulated.workspace_mib) == (12, 0)
    assert (card.mib, card.workspace_mib) == (12 + CUDNN_WORKSPACE_MIB, CUDNN_WORKSPACE_MIB)


@pytest.mark.parametrize(
    "table",
    [
        NOTHING,
        _table("sface", {1: 2, 16: 10}, sha256=SHA256),
        _table("sface", {1: 2, 8: 10}),
    ],
    ids=["never measured", "another file", "larger than measured"],
)
def test_what_was_not_measured_is_estimated_and_says_so(table: MemoryTable) -> None:
    spec = CATALOGUE.model("sface")

    found = expected_mib(spec, 16, catalogue=CATALOGUE, table=table)

    assert found.basis == "estimated"
    # 36.9 MiB of float32 weights and 153.9 MiB for 16 faces were measured.
    assert found.weights_mib >= 36.9
    assert found.run_mib >= 153.9


@pytest.mark.parametrize("name", ["blazeface_short", "blazeface_full"])
def test_what_runs_on_the_cpu_everywhere_takes_nothing(name: str) -> None:
    found = expected_mib(CATALOGUE.model(name), catalogue=CATALOGUE, cuda=True)

    assert (found.mib, found.basis) == (0, "cpu_only")


def test_parts_are_counted_with_their_model() -> None:
    whole = expected_mib(CATALOGUE.model("mtcnn"), catalogue=CATALOGUE)
    alone = sum(
        expected_mib(
            CATALOGUE.model(name).model_copy(update={"parts": ()}), catalogue=CATALOGUE
        ).mib
        for name in ("mtcnn", "mtcnn_rnet", "mtcnn_onet")
    )

    assert alone - 3 <= whole.mib <= alone


def test_one_part_that_was_not_measured_makes_the_whole_an_estimate() -> None:
    models = {
        name: graph for name, graph in load_memory_table().models.items() if name != "mtcnn_onet"
    }
    table = load_memory_table().model_copy(update={"models": models})

    found = expected_mib(CATALOGUE.model("mtcnn"), catalogue=CATALOGUE, table=table)

    assert found.basis == "estimated"


@pytest.mark.parametrize("spec", CATALOGUE.models.values(), ids=lambda spec: spec.id)
def test_every_model_has_a_figure_that_grows_with_the_batch(spec: object) -> None:
    model = CATALOGUE.model(spec.id)  # type: ignore[attr-defined]  # a spec of the catalogue
    found = [
        expected_mib(model, bucket, catalogue=CATALOGUE).mib
        for bucket in sorted(model.batch_buckets)
    ]

    assert found == sorted(found)
    assert found[0] >= 0


@pytest.mark.parametrize("name", MEASURED)
def test_the_shipped_table_is_of_the_shipped_catalogue(name: str) -> None:
    spec, graph = CATALOGUE.model(name), load_memory_table().models[name]

    assert isinstance(spec.file, PinnedFile)
    assert graph.sha256 == spec.file.sha256
    assert graph.weights_bytes > 0
    assert max(graph.run_bytes) == max(spec.batch_buckets)
    assert all(taken > 0 for taken in graph.run_bytes.values())


@pytest.mark.parametrize("name", MEASURED)
def test_an_estimate_is_on_the_safe_side_of_every_measurement(name: str) -> None:
    spec, graph = CATALOGUE.model(name), load_memory_table().models[name]
    alone = spec.model_copy(update={"parts": ()})

    for bucket, taken in graph.run_bytes.items():
        found = expected_mib(alone, bucket, catalogue=CATALOGUE, table=NOTHING)
        assert found.run_mib * MIB >= taken


def test_every_lite_model_was_measured() -> None:
    onnx = {
        spec.id for spec in CATALOGUE.of_profile("lite") if not spec.file.name.endswith(".tflite")
    }

    assert onnx <= set(MEASURED)


def test_an_arena_is_capped_well_above_what_is_expected() -> None:
    expected = expected_mib(
        CATALOGUE.model("sface"), catalogue=CATALOGUE, table=_table("sface", {1: 90})
    )

    assert expected.mib == 100
    assert arena_limit_bytes(expected) == (150 + 64) * MIB


def test_sizes_of_their_own_are_those_the_detectors_really_run() -> None:
    first = run_sizes(CATALOGUE.model("mtcnn"), (1,))
    windows = run_sizes(CATALOGUE.model("mtcnn_onet"), (1,))
    canvases = run_sizes(CATALOGUE.model("yunet"), (1,))

    assert first[0]["height"] == mtcnn.MAX_LONGER_SIDE * WINDOW / mtcnn.SMALLEST_FACE
    for above, below in itertools.pairwise(first):
        assert below["height"] == pytest.approx(above["height"] * PYRAMID_STEP, abs=1)
    assert windows[0]["batch"] == mtcnn.MAX_BATCH
    sides = {max(sizes["height"], sizes["width"]) for sizes in canvases}
    assert sides == {longer_side for longer_side, _ in yunet.LOOKS}


def test_other_models_run_their_batches_largest_first() -> None:
    found = [sizes["batch"] for sizes in run_sizes(CATALOGUE.model("sface"), (1, 4, 2))]

    assert found == [4, 2, 1]


def test_a_catalogue_without_the_parts_is_not_asked_for_them() -> None:
    spec = CATALOGUE.model("yunet")

    assert expected_mib(spec, catalogue=Catalogue(models={"yunet": spec})).mib > 0
