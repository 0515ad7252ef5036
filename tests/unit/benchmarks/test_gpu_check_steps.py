"""Steps of the GPU check one after another, whatever becomes of one."""

from pathlib import Path

import fakeredis
import pytest

from benchmarks.gpu_check.bench import Bench
from benchmarks.gpu_check.inventory import Inventory
from benchmarks.gpu_check.report import Check
from benchmarks.gpu_check.run import Step, in_turn
from models.catalogue import Catalogue
from models.errors import DeviceFault
from models.weights.store import WeightStore
from workers.devices.setup import Hardware
from workers.settings.process import Settings


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """Surroundings that no step here looks at."""
    return Bench(
        settings=Settings(device="sim:300"),
        hardware=Hardware(probe=None, name="none", total_mib=300, reserved_mib=0, context_mib=0),
        small_mib=40,
        inventory=Inventory(
            catalogue=Catalogue(models={}), store=WeightStore(tmp_path), real=(), own=()
        ),
        client=fakeredis.FakeRedis(),
        uses=1,
        inferences=1,
        deadline=float("inf"),
        progress=lambda _: None,
    )


def _outcomes(bench: Bench, **steps: Step) -> list[tuple[Check, ...]]:
    return list(in_turn(list(steps), bench, steps))


def _passes(bench: Bench) -> Check:
    return Check(step="any", title=bench.device, passed=True)


def _raises(error: Exception) -> Step:
    def step(_: Bench) -> Check:
        raise error

    return step


@pytest.mark.parametrize("error", [ZeroDivisionError("x / 0"), RuntimeError("no such kernel")])
def test_a_step_that_fails_in_any_way_is_told_and_the_others_are_taken(
    bench: Bench, error: Exception
) -> None:
    *_, (first, second) = _outcomes(bench, first=_raises(error), second=_passes)

    assert (first.step, first.passed, first.unfinished) == ("first", False, False)
    assert str(error) in first.note
    assert second.passed is True


@pytest.mark.parametrize(
    "error",
    [DeviceFault("it broke"), RuntimeError("CUDA failure 700: an illegal memory access")],
)
def test_after_a_broken_device_nothing_more_is_asked_of_it(bench: Bench, error: Exception) -> None:
    *_, (first, second) = _outcomes(bench, first=_raises(error), second=_passes)

    assert first.passed is False
    assert (second.passed, second.unfinished) == (None, True)
    assert "broke in 'first'" in second.note


def test_what_there_is_no_time_for_is_not_finished(bench: Bench) -> None:
    bench.deadline = 0.0

    *_, (only,) = _outcomes(bench, first=_passes)

    assert (only.passed, only.unfinished) == (None, True)


def test_after_each_step_the_report_stands_and_those_to_come_are_not_finished(bench: Bench) -> None:
    told = _outcomes(bench, first=_passes, second=_passes)

    assert [[check.unfinished for check in checks] for checks in told] == [
        [False, True],
        [False, False],
    ]
