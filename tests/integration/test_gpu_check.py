"""The GPU check on a simulated device: the same steps, and that each can fail."""

import json
from dataclasses import replace
from importlib import metadata
from pathlib import Path

import psutil
import pytest
import redis
from rich.console import Console
from typer.testing import CliRunner

from benchmarks.__main__ import app
from benchmarks.errors import BenchmarkFailed
from benchmarks.gpu_check import batcher, exhaustion, fleet_steps, others, session_steps
from benchmarks.gpu_check.bench import Bench
from benchmarks.gpu_check.inventory import Inventory, make_inventory
from benchmarks.gpu_check.run import STEPS, Plan, check_device
from models.errors import ProviderUnavailable
from models.testing import tiny_onnx
from vram.probe import MIB, FixedProbe, SimulatedProbe
from workers.devices.setup import Hardware
from workers.devices.simulated_card import Faults, SimulatedCard
from workers.settings.process import Settings, load_settings

TOTAL = 300
REFUSED = ("out_of_memory@load:sface",)
NAMES = ("yunet", "faceplugin_liveness", "sface", "mobilefacenet_512", "arcface_r100")


class Leaking(SimulatedCard):
    """Keeps half of what is given back."""

    def free(self, number: int, *, down_to_mib: int = 0) -> None:
        taken = self._taken.get(number, 0)
        super().free(number, down_to_mib=down_to_mib)
        if not down_to_mib:
            self.foreign_mib += taken - taken // 2


class Hungry(SimulatedCard):
    """Takes a hundred MiB more than it books for each model."""

    @property
    def used_mib(self) -> int:
        return super().used_mib + 100 * len(self._taken)


@pytest.fixture(scope="module")
def inventory(tmp_path_factory: pytest.TempPathFactory) -> Inventory:
    folder = tmp_path_factory.mktemp("check")
    return make_inventory(folder, None, scale=TOTAL / 6144, names=NAMES)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings().model_copy(
        update={
            "device": f"sim:{TOTAL}",
            "data_dir": tmp_path,
            "vram_observe_seconds": 0.5,
            "preload_probability": 1.0,
        }
    )


@pytest.fixture
def bench(settings: Settings, inventory: Inventory, real_redis: redis.Redis) -> Bench:
    return _bench(SimulatedCard(total_mib=TOTAL), settings, inventory, real_redis)


def _bench(
    card: SimulatedCard, settings: Settings, inventory: Inventory, client: redis.Redis
) -> Bench:
    probe = SimulatedProbe(total_bytes=card.total_mib * MIB, used=card.used_bytes)
    return Bench(
        settings=settings,
        hardware=Hardware(
            probe=probe,
            name="simulated",
            total_mib=card.total_mib,
            reserved_mib=0,
            context_mib=0,
            context_measured=True,
            card=card,
        ),
        small_mib=40,
        inventory=inventory,
        client=client,
        uses=60,
        inferences=60,
        deadline=float("inf"),
        progress=lambda _: None,
        back_seconds=0.2,
    )


@pytest.mark.redis
@pytest.mark.parametrize(
    "step",
    [name for name in STEPS if name not in {"graphs", "batches", "overhead", "batcher", "soak"}],
)
def test_a_device_that_does_as_it_should_passes(bench: Bench, step: str) -> None:
    found = STEPS[step](bench)

    assert found.passed is not False, found
    assert found.figures or found.note == "Only a real card can answer this."


@pytest.mark.redis
def test_jobs_in_claims_are_compared_with_single_ones_and_loops(bench: Bench) -> None:
    found = batcher.batcher(bench)

    assert len(found.rows["ways"]) == 4
    assert all(float(row["images_per_second"] or 0) > 0 for row in found.rows["ways"])
    assert found.passed is (float(found.figures["claims_to_single_jobs"] or 0) > 1)


@pytest.mark.redis
def test_memory_that_does_not_come_back_fails(
    settings: Settings, inventory: Inventory, real_redis: redis.Redis
) -> None:
    bench = _bench(Leaking(total_mib=100_000), settings, inventory, real_redis)
    row = session_steps._load(bench, inventory.catalogue.models["sface"])

    assert row["came_back"] == "no"
    assert row["within_limit"] == "yes"


@pytest.mark.redis
def test_a_model_that_takes_far_more_than_expected_fails(
    settings: Settings, inventory: Inventory, real_redis: redis.Redis
) -> None:
    bench = _bench(Hungry(total_mib=100_000), settings, inventory, real_redis)
    row = session_steps._load(bench, inventory.catalogue.models["sface"])

    assert row["within_limit"] == "no"


@pytest.mark.redis
def test_a_book_that_is_not_what_is_read_fails(bench: Bench) -> None:
    card = SimulatedCard(total_mib=TOTAL)

    class Growing(FixedProbe):
        """Somebody takes memory during the first load, and too much to be taken for it."""

        def used_bytes(self) -> int:
            return (card.used_mib + (500 if card._taken else 0)) * MIB

    bench.hardware = replace(bench.hardware, probe=Growing(total_bytes=TOTAL * MIB), card=card)
    found = fleet_steps.ledger(bench)

    assert found.passed is False
    assert float(found.figures["drift_mib"] or 0) > 64


@pytest.mark.redis
def test_a_long_run_that_ends_too_early_shows_nothing(bench: Bench) -> None:
    bench.deadline = 0.0
    found = fleet_steps.soak(bench)

    assert (found.passed, found.unfinished) == (None, True)
    assert "time was over after 1 of 60" in found.note


@pytest.mark.redis
def test_a_long_run_that_is_mostly_done_shows_what_it_shows_and_says_how_much(
    bench: Bench,
) -> None:
    bench.deadline, bench.inferences = 0.0, 10
    found = fleet_steps.soak(bench)

    assert (found.passed, found.unfinished) == (True, False)
    assert "time was over after 1 of 10" in found.note


@pytest.mark.redis
def test_a_model_that_is_refused_does_not_hide_the_others(bench: Bench) -> None:
    bench.hardware = replace(
        bench.hardware, card=SimulatedCard(total_mib=TOTAL, faults=Faults(REFUSED))
    )
    found = session_steps.loads(bench)

    assert found.passed is False
    assert (found.figures["models"], found.figures["models_refused"]) == (len(NAMES) - 1, 1)
    assert "sface was refused: OutOfMemory" in found.note


@pytest.mark.redis
def test_a_context_that_was_not_read_is_not_told_as_read(bench: Bench) -> None:
    bench.hardware = replace(bench.hardware, context_mib=450, context_measured=False)
    found = session_steps.context(bench)

    assert found.passed is False
    assert found.figures["context_mib"] is None
    assert "could not be read" in found.note


@pytest.mark.redis
def test_a_long_run_counts_what_it_did(bench: Bench) -> None:
    found = fleet_steps.soak(bench)

    assert found.passed
    assert found.figures["inferences"] == 60
    assert found.figures["band_mib"] == 0


@pytest.mark.redis
def test_no_eviction_under_the_small_cap_is_no_check_of_evictions(bench: Bench) -> None:
    bench.small_mib = TOTAL
    found = fleet_steps.eviction(bench)

    assert found.figures["evictions"] == 0
    assert found.passed is False


@pytest.mark.redis
def test_exhaustion_that_never_comes_fails(bench: Bench) -> None:
    class Endless(SimulatedCard):
        def take(self, number: int, vram_mib: int) -> None:
            pass

    bench.hardware = replace(bench.hardware, card=Endless(total_mib=TOTAL))
    found = exhaustion.out_of_memory(bench)

    assert found.figures["runtime_s_text"] == ""
    assert found.passed is False


@pytest.mark.redis
def test_the_command_checks_a_simulated_device_from_end_to_end(tmp_path: Path) -> None:
    out = tmp_path / "report.json"
    result = CliRunner().invoke(
        app,
        ["gpu-check", "--simulated", "300", "--steps", "context,batches", "--out", str(out)],
    )

    assert result.exit_code == 0, result.output
    assert "SIMULATED" in result.stdout
    report = json.loads(out.read_text())
    assert [check["step"] for check in report["checks"]] == ["context", "batches"]
    assert report["simulated"]
    assert report["setup"]["models_with_real_weights"] == 0


def test_a_step_nobody_knows_is_refused(settings: Settings) -> None:
    with pytest.raises(BenchmarkFailed, match="No step 'speed'"):
        check_device(settings, Plan(simulated_mib=300, steps=("speed",)), Console(quiet=True))


@pytest.mark.skipif(
    any(dist.name == "onnxruntime-gpu" for dist in metadata.distributions()),
    reason="this installation has CUDA kernels",
)
def test_without_cuda_it_says_why_and_writes_nothing(tmp_path: Path, root: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text((root / "docs" / "gpu-check.md").read_text())
    result = CliRunner().invoke(
        app, ["gpu-check", "--out", str(tmp_path / "out.json"), "--page", str(page)]
    )

    assert isinstance(result.exception, ProviderUnavailable)
    assert not (tmp_path / "out.json").exists()
    assert "Never run on a GPU" in page.read_text()


def test_another_process_holds_what_it_has_until_it_is_killed(tmp_path: Path) -> None:
    graph = tmp_path / "tiny.onnx"
    graph.write_bytes(tiny_onnx())

    with others.other_process("holder", "cpu", str(graph)) as pid:
        assert psutil.Process(pid).is_running()

    assert not psutil.pid_exists(pid)


@pytest.mark.skipif(
    any(dist.name == "onnxruntime-gpu" for dist in metadata.distributions()),
    reason="this installation has CUDA kernels",
)
@pytest.mark.parametrize("module", ["holder", "filler"])
def test_another_process_that_can_t_have_the_device_is_told(
    tmp_path: Path, module: str, capfd: pytest.CaptureFixture[str]
) -> None:
    graph = tmp_path / "tiny.onnx"
    graph.write_bytes(tiny_onnx())
    arguments = ("cuda:0", str(graph)) if module == "holder" else ("0",)

    with (
        pytest.raises(BenchmarkFailed, match="could not use the device"),
        others.other_process(module, *arguments),
    ):
        pytest.fail("it has no device")

    assert "ProviderUnavailable" in capfd.readouterr().err
