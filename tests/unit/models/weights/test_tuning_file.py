"""Which graph is picked, when a measurement holds, and what happens to the file."""

import re
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from models.machine import Machine
from models.spec import PinnedSpec, Variant
from models.weights.sources.memory import pinned
from models.weights.tuning_file import Choice, Measured, Speed, Tuning, TuningFile, choice, pick

HERE = Machine(cpu="AMD EPYC", features=("avx2",), runtime="onnxruntime 1.0")
SPEC = PinnedSpec.model_validate(
    {
        "id": "net",
        "title": "Net",
        "task": "recognition",
        "family": "embedder",
        "profile": "lite",
        "licence": "MIT",
        "commercial_use": True,
        "priority": "low",
        "file": pinned(b"weights"),
        "inputs": {"x": {"dtype": "float32", "dims": ["batch", 3]}},
        "outputs": {"y": {"dtype": "float32", "dims": ["batch", 1]}},
    }
)
FOUND = Measured(
    sha256=SPEC.file.sha256,
    threads=1,
    machine="AMD EPYC, onnxruntime 1.0",
    measured_at="2026-11-23T00:00:00+00:00",
    variant="int8",
    batch_buckets=(1, 2),
)


def speeds(rates: dict[Variant, dict[int, float]]) -> list[Speed]:
    return [
        Speed(variant=variant, batch=batch, per_second=rate)
        for variant, by_batch in rates.items()
        for batch, rate in by_batch.items()
    ]


@pytest.mark.parametrize(
    ("rates", "variant", "buckets"),
    [
        ({"fp32": {1: 10}}, "fp32", (1,)),
        ({"fp32": {1: 10}, "fused": {1: 30}}, "fused", (1,)),
        # Under 10 % more: the graph nearer to the published one.
        ({"fp32": {1: 10}, "fused": {1: 10.9}}, "fp32", (1,)),
        ({"fp32": {1: 10}, "fused": {1: 30}, "int8": {1: 32}}, "fused", (1,)),
        ({"fp32": {1: 10}, "fused": {1: 30}, "int8": {1: 34}}, "int8", (1,)),
        # fused is not worth it, int8 is compared with fp32 then.
        ({"fp32": {1: 10}, "fused": {1: 10.5}, "int8": {1: 11.2}}, "int8", (1,)),
        ({"fp32": {1: 10}, "int8": {1: 5}}, "fp32", (1,)),
        # A larger batch has to be 3 % faster than the best smaller one.
        ({"fp32": {1: 10, 2: 10.2, 4: 10.4, 8: 9}}, "fp32", (1, 4)),
        ({"fp32": {1: 10, 2: 15, 4: 15.1, 8: 20}}, "fp32", (1, 2, 8)),
        ({"fp32": {8: 9, 4: 9, 2: 9, 1: 10}}, "fp32", (1,)),
        # The best batch of each counts.
        ({"fp32": {1: 10, 8: 40}, "fused": {1: 30, 8: 30}}, "fp32", (1, 8)),
    ],
)
def test_the_fastest_is_picked_if_the_gain_is_worth_it(
    rates: dict[Variant, dict[int, float]], variant: Variant, buckets: tuple[int, ...]
) -> None:
    assert pick(speeds(rates)) == Choice(variant=variant, batch_buckets=buckets)


def test_a_measurement_holds_where_it_was_made() -> None:
    tuning = Tuning(measured={HERE.key: {"net": FOUND}})

    found = choice(tuning, SPEC, HERE, threads=1)

    assert found == Choice(variant="int8", batch_buckets=(1, 2))


@pytest.mark.parametrize(
    ("machine", "spec", "threads"),
    [
        (replace(HERE, runtime="onnxruntime 1.1"), SPEC, 1),
        (replace(HERE, cpu="another"), SPEC, 1),
        (HERE, SPEC.model_copy(update={"file": pinned(b"new weights")}), 1),
        (HERE, SPEC.model_copy(update={"id": "other"}), 1),
        (HERE, SPEC, 2),
    ],
)
def test_a_measurement_of_anything_else_is_ignored(
    machine: Machine, spec: PinnedSpec, threads: int
) -> None:
    tuning = Tuning(measured={HERE.key: {"net": FOUND}})

    assert choice(tuning, spec, machine, threads=threads) is None


@pytest.mark.parametrize(
    ("pinned_variant", "buckets"), [("int8", (1, 2)), ("fp32", None), ("fused", None)]
)
def test_a_pin_wins_and_takes_batches_measured_for_it_only(
    pinned_variant: Variant, buckets: tuple[int, ...] | None
) -> None:
    tuning = Tuning(measured={HERE.key: {"net": FOUND}}, pins={"net": pinned_variant})

    found = choice(tuning, SPEC, HERE, threads=1)

    assert found == Choice(variant=pinned_variant, batch_buckets=buckets)


def test_what_is_written_is_read_and_reset_forgets_it(tmp_path: Path) -> None:
    file = TuningFile(tmp_path)
    assert file.read() == Tuning()

    file.record(HERE, "net", FOUND)
    file.record(HERE, "other", FOUND)
    file.pin({"net": "fp32", "other": "fused"})
    both = file.read()
    file.reset(["net"])

    assert both.measured[HERE.key].keys() == {"net", "other"}
    assert both.pins == {"net": "fp32", "other": "fused"}
    assert file.read() == Tuning(measured={HERE.key: {"other": FOUND}}, pins={"other": "fused"})


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"pins": {"net": "fp16"}}', b'{"unknown": 1}', b"\xff\x00"]
)
def test_a_damaged_file_is_ignored_with_a_warning_and_replaced_by_the_next_write(
    tmp_path: Path, content: bytes
) -> None:
    file = TuningFile(tmp_path)
    file.path.write_bytes(content)

    with capture_logs() as logs:
        assert file.read() == Tuning()

    assert [entry["event"] for entry in logs] == ["tuning_unreadable"]
    file.pin({"net": "fp32"})
    assert file.read() == Tuning(pins={"net": "fp32"})


def _pin(root: Path, number: int) -> None:
    TuningFile(root).pin({f"net_{number}": "fp32"})


@pytest.mark.parametrize("sizes", ["[]", "[2]", "[1, 0]", "[1, -4]"])
def test_batch_sizes_that_cannot_make_up_every_count_are_ignored_with_a_warning(
    tmp_path: Path, sizes: str
) -> None:
    file = TuningFile(tmp_path)
    file.record(HERE, "net", FOUND)
    whole = file.path.read_text()
    damaged = re.sub(r'"batch_buckets": \[[^]]*\]', f'"batch_buckets": {sizes}', whole)
    assert damaged != whole
    file.path.write_text(damaged)

    with capture_logs() as logs:
        assert file.read() == Tuning()

    assert [entry["event"] for entry in logs] == ["tuning_unreadable"]


def test_writers_at_once_lose_nothing(tmp_path: Path) -> None:
    with ProcessPoolExecutor(3, mp_context=get_context("spawn")) as pool:
        list(pool.map(partial(_pin, tmp_path), range(12)))

    assert len(TuningFile(tmp_path).read().pins) == 12
    assert sorted(path.name for path in tmp_path.iterdir()) == ["locks", "tuning.json"]
