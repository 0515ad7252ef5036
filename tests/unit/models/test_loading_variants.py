"""Which graph a network is opened with: default, tuned, pinned, asked for, or not to be had."""

from pathlib import Path

import numpy as np
import pytest
from structlog.testing import capture_logs

from models.catalogue import Catalogue, load_catalogue
from models.contract import Tensors
from models.errors import VariantRefused
from models.loading import cache_of, open_network
from models.machine import this_machine
from models.network import Network
from models.spec import ModelSpec, PinnedSpec, Variant
from models.testing import tiny_embedder, tiny_recogniser
from models.tuning.tune import pinnable, reset, tune
from models.weights.sources.memory import MemoryFetcher, pinned, zipped
from models.weights.store import WeightStore
from models.weights.tuning_file import Measured, TuningFile

GRAPH = tiny_recogniser()
PLAIN = tiny_embedder(side=8)
FEEDS: Tensors = {"data": np.random.default_rng(0).uniform(0, 255, (3, 3, 8, 8)).astype(np.float32)}


def model(content: bytes = GRAPH, **changes: object) -> PinnedSpec:
    return PinnedSpec.model_validate(
        {
            "id": "net",
            "title": "Net",
            "task": "anti_spoofing",
            "family": "liveness",
            "profile": "lite",
            "licence": "MIT",
            "commercial_use": True,
            "priority": "low",
            "file": pinned(content),
            "inputs": {"data": {"dtype": "float32", "dims": ["batch", 3, 8, 8]}},
            "outputs": {"fc1": {"dtype": "float32", "dims": ["batch", 4]}},
            "batch_buckets": [1, 2, 4, 8],
            **changes,
        }
    )


def stored(root: Path, content: bytes = GRAPH) -> WeightStore:
    fetcher = MemoryFetcher({"nets==1.0": zipped(a=content)})
    store = WeightStore(root, fetchers={"pypi": fetcher})
    store.pull(pinned(content))
    return store


def opened(
    store: WeightStore, spec: ModelSpec, *, device: str = "cpu", variant: Variant | None = None
) -> Network:
    return open_network(
        store, Catalogue(models={"net": spec}), spec, device=device, variant=variant
    )


def remember(
    store: WeightStore, spec: PinnedSpec, variant: Variant, buckets: tuple[int, ...]
) -> None:
    measured = Measured(
        sha256=spec.file.sha256,
        threads=1,
        machine="this one",
        measured_at="2026-11-23T00:00:00+00:00",
        variant=variant,
        batch_buckets=buckets,
    )
    TuningFile(store.root).record(this_machine(), spec.id, measured)


@pytest.mark.parametrize("device", ["cpu", "sim:6144"])
def test_without_tuning_a_cpu_runs_the_fused_graph_with_the_same_answers(
    tmp_path: Path, device: str
) -> None:
    store = stored(tmp_path)

    network = opened(store, model(), device=device)

    assert network.variant == "fused"
    expected = opened(store, model(), variant="fp32").session.run(FEEDS)["fc1"]
    np.testing.assert_allclose(network.session.run(FEEDS)["fc1"], expected, rtol=1e-4, atol=1e-4)


def test_a_graph_with_nothing_to_fuse_runs_as_fp32(tmp_path: Path) -> None:
    with capture_logs() as logs:
        network = opened(stored(tmp_path, PLAIN), model(PLAIN))

    assert network.variant == "fp32"
    assert [entry for entry in logs if entry["log_level"] == "warning"] == []


def test_what_was_measured_is_run_with_its_batch_sizes(tmp_path: Path) -> None:
    store = stored(tmp_path)
    remember(store, model(), "fp32", (1, 2))

    network = opened(store, model())

    assert network.variant == "fp32"
    assert network.spec.batch_buckets == (1, 2)


def test_a_pin_wins_over_the_measurement(tmp_path: Path) -> None:
    store = stored(tmp_path)
    remember(store, model(), "fp32", (1, 2))
    TuningFile(tmp_path).pin({"net": "fused"})

    network = opened(store, model())

    assert network.variant == "fused"
    assert network.spec.batch_buckets == (1, 2, 4, 8)


def test_without_tuning_a_cpu_takes_the_catalogue_s_batches_for_it(tmp_path: Path) -> None:
    spec = model(cpu_batch_buckets=[1, 4])

    assert opened(stored(tmp_path), spec).spec.batch_buckets == (1, 4)


def test_a_tuned_int8_graph_that_is_gone_is_told_and_the_default_runs(tmp_path: Path) -> None:
    store = stored(tmp_path)
    remember(store, model(), "int8", (1,))

    with capture_logs() as logs:
        network = opened(store, model())

    assert network.variant == "fused"
    assert network.spec.batch_buckets == (1, 2, 4, 8)
    (warning,) = [entry for entry in logs if entry["log_level"] == "warning"]
    assert warning["event"] == "variant_unavailable"
    assert "facesocial models tune net" in warning["reason"]


def test_an_int8_graph_that_was_made_is_run(tmp_path: Path) -> None:
    store = stored(tmp_path)
    cache_of(store).make(model(), "int8", lambda original: original.read_bytes())
    TuningFile(tmp_path).pin({"net": "int8"})

    assert opened(store, model()).variant == "int8"


@pytest.mark.parametrize("variant", ["fused", "int8"])
def test_what_is_asked_for_and_can_t_be_had_is_refused(tmp_path: Path, variant: Variant) -> None:
    with pytest.raises(VariantRefused):
        opened(stored(tmp_path, PLAIN), model(PLAIN), variant=variant)


def test_on_cuda_there_is_fp32_only(tmp_path: Path) -> None:
    with pytest.raises(VariantRefused, match="no graph but fp32 on cuda:0"):
        opened(stored(tmp_path), model(), device="cuda:0", variant="fused")


def test_parts_run_as_fused_graphs_too(tmp_path: Path) -> None:
    part = model(id="part", task="part", family="part")
    whole = model(parts=["part"])
    catalogue = Catalogue(models={"net": whole, "part": part})

    network = open_network(stored(tmp_path), catalogue, whole)

    expected = network.session.run(FEEDS)["fc1"]
    np.testing.assert_array_equal(network.parts["part"].run(FEEDS)["fc1"], expected)
    assert len(list((tmp_path / "prepared").glob("part-fused-*.onnx"))) == 1


def test_tuning_measures_what_can_be_had_and_keeps_the_best(tmp_path: Path) -> None:
    store = stored(tmp_path)
    catalogue = Catalogue(models={"net": model()})

    tuned = tune(store, catalogue, model(), threads=1, seconds=0)

    assert {speed.variant for speed in tuned.speeds} == {"fp32", "fused"}
    assert tuned.refused == {"int8": "net: int8 is for recognition models only."}
    network = opened(store, model())
    assert network.variant == tuned.chosen.variant
    assert network.spec.batch_buckets == tuned.chosen.batch_buckets


def test_only_what_can_be_had_may_be_pinned(tmp_path: Path) -> None:
    store, catalogue = stored(tmp_path), Catalogue(models={"net": model()})

    assert pinnable(store, catalogue, model(), "fused") == "fused"
    with pytest.raises(VariantRefused, match="recognition models only"):
        pinnable(store, catalogue, model(), "int8")
    with pytest.raises(VariantRefused, match="there are fp32, fused, int8"):
        pinnable(store, catalogue, model(), "fp16")


def test_without_the_sample_photos_there_is_no_int8_and_the_way_to_it_is_told(
    tmp_path: Path,
) -> None:
    store, real = stored(tmp_path), load_catalogue()
    spec = model(task="recognition", template="arcface_112", pixels={"colour": "rgb"})
    catalogue = Catalogue(
        models={"net": spec, "yunet": real.model("yunet")}, samples=dict(real.samples)
    )

    tuned = tune(store, catalogue, spec, threads=1, seconds=0)

    assert "facesocial models pull yunet --samples" in tuned.refused["int8"]
    assert {speed.variant for speed in tuned.speeds} == {"fp32", "fused"}


def test_a_reset_lets_everything_be_tried_again(tmp_path: Path) -> None:
    store = stored(tmp_path)
    remember(store, model(), "fp32", (1,))

    def refuse(_: Path) -> bytes:
        raise VariantRefused

    with pytest.raises(VariantRefused):
        cache_of(store).make(model(), "int8", refuse)

    reset(store, [model()])

    assert opened(store, model()).variant == "fused"
    assert cache_of(store).refusal(model(), "int8") is None
