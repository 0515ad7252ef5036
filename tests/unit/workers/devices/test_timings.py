"""How long models take, and what that says of their worth."""

import numpy as np
import pytest

from models.contract import TensorInfo
from models.testing import ScriptedSession
from workers.devices.timings import TimedSession, Timings

INFOS = (TensorInfo(name="x", dtype="float32", dims=("batch", 1)),)


def test_times_are_means_per_row_that_follow_new_values() -> None:
    timings = Timings(cpu_ratio=0.3)
    timings.ran("cpu", "face", 4, 40)
    assert timings.take() == {("cpu", "face"): 10}

    timings.ran("cpu", "face", 1, 20)

    assert timings.take() == {("cpu", "face"): pytest.approx(12)}
    assert timings.take() == {}


def test_what_the_cpu_costs_more_is_its_time_less_the_device_s() -> None:
    timings = Timings(cpu_ratio=0.3)
    timings.ran("cpu", "face", 1, 50)
    timings.ran("gpu", "face", 1, 5)

    assert timings.penalty_ms("face") == 45


def test_until_both_are_known_the_ratio_of_the_settings_counts() -> None:
    timings = Timings(cpu_ratio=0.3)
    assert timings.penalty_ms("face") == 0

    timings.ran("cpu", "face", 1, 50)

    assert timings.penalty_ms("face") == pytest.approx(35)


def test_a_device_that_is_slower_than_the_cpu_earns_nothing() -> None:
    timings = Timings(cpu_ratio=0.3)
    timings.ran("cpu", "face", 1, 5)
    timings.ran("gpu", "face", 1, 50)

    assert timings.penalty_ms("face") == 0


@pytest.mark.parametrize("where", ["cpu", "gpu"])
def test_a_simulated_device_is_taken_to_be_as_fast_as_the_settings_say(where: str) -> None:
    timings = Timings(cpu_ratio=0.3, simulated=True)

    timings.ran("cpu" if where == "cpu" else "gpu", "face", 1, 50)

    assert timings.penalty_ms("face") == pytest.approx(35)


def test_a_use_of_several_rows_costs_several_times_as_much() -> None:
    timings = Timings(cpu_ratio=0.5)
    timings.used("face")
    timings.ran("cpu", "face", 8, 80)
    timings.used("face")

    assert timings.penalty_ms("face") == pytest.approx(10 * 0.5 * 8)


def test_what_others_learned_counts_until_it_is_measured_here() -> None:
    timings = Timings(cpu_ratio=0.5)
    timings.ran("cpu", "face", 1, 10)

    timings.seed({("cpu", "face"): 99, ("cpu", "age"): 7})

    assert timings.penalty_ms("face") == 5
    assert timings.penalty_ms("age") == 3.5
    assert timings.take() == {("cpu", "face"): 10}


def test_a_session_s_first_run_is_not_timed() -> None:
    runs: list[int] = []
    session = TimedSession(
        ScriptedSession(inputs=INFOS, outputs=INFOS, answer=lambda feeds: feeds),
        lambda rows, ms: runs.append(rows if ms >= 0 else -1),
    )

    for rows in (1, 2, 3):
        session.run({"x": np.ones((rows, 1), np.float32)})

    assert runs == [2, 3]
