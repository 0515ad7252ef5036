"""The simulated card: what it accounts, what it refuses, what goes wrong on it."""

import math

import numpy as np
import pytest

from models.contract import TensorInfo
from models.errors import DeviceFault, OutOfMemory
from models.memory import Expected
from models.testing import ScriptedSession
from tests.unit.workers.devices.bench import SPECS
from workers.devices.simulated_card import MEBIBYTE, Faults, SimulatedCard, SimulatedSession

FACE = SPECS[2]
INFOS = (TensorInfo(name="x", dtype="float32", dims=("batch", 1)),)


def session() -> ScriptedSession:
    return ScriptedSession(inputs=INFOS, outputs=INFOS, answer=lambda feeds: feeds)


def cost(rows: int) -> Expected:
    run = 10.0 * rows
    return Expected(
        mib=math.ceil(39.5 + run), basis="measured_cpu_arena", weights_mib=39.5, run_mib=run
    )


def load(card: SimulatedCard) -> SimulatedSession:
    return card.load(session(), FACE, cost)


def run(loaded: SimulatedSession, rows: int) -> None:
    feeds = {"x": np.ones((rows, 1), np.float32)}
    np.testing.assert_array_equal(loaded.run(feeds)["x"], feeds["x"])


def test_weights_count_from_the_load_on_and_an_arena_from_its_first_run_on() -> None:
    card = SimulatedCard(total_mib=100)

    loaded = load(card)
    assert card.models_mib == 40
    run(loaded, 2)
    assert card.models_mib == 60
    run(loaded, 1)
    assert card.models_mib == 60

    loaded.close()
    loaded.close()
    assert card.used_bytes() == 0


def test_what_does_not_fit_is_refused_in_the_runtime_s_words_and_nothing_changes() -> None:
    card = SimulatedCard(total_mib=55)
    loaded = load(card)
    run(loaded, 1)

    with pytest.raises(OutOfMemory, match=rf"Available memory of {5 * MEBIBYTE} is smaller"):
        run(loaded, 2)
    with pytest.raises(OutOfMemory):
        load(card)

    assert card.models_mib == 50


def test_what_others_have_is_not_free() -> None:
    card = SimulatedCard(total_mib=100, foreign_mib=70)

    with pytest.raises(OutOfMemory):
        load(card)

    assert card.used_mib == 70


def test_a_shrunk_arena_gives_all_but_the_weights_back() -> None:
    card = SimulatedCard(total_mib=100)
    loaded = load(card)
    run(loaded, 4)

    loaded.run_and_shrink({"x": np.ones((1, 1), np.float32)})

    assert card.models_mib == 40


def test_a_part_takes_nothing_of_its_own() -> None:
    card = SimulatedCard(total_mib=10)
    part = FACE.model_copy(update={"task": "part"})

    run(card.load(session(), part, cost), 4)

    assert card.models_mib == 0


def test_faults_strike_when_and_as_often_as_told() -> None:
    faults = Faults(["out_of_memory@run:face*2", "device_fault@load"])

    faults.strike("run", "age")
    with pytest.raises(DeviceFault):
        faults.strike("load", "age")
    faults.strike("load", "age")
    for _ in range(2):
        with pytest.raises(OutOfMemory):
            faults.strike("run", "face")
    faults.strike("run", "face")


def test_faults_of_runs_wait_for_the_end_of_the_warm_up() -> None:
    card = SimulatedCard(total_mib=100, faults=Faults(["out_of_memory@run"]))
    loaded = load(card)
    run(loaded, 1)
    run(loaded, 1)

    loaded.warmed()

    with pytest.raises(OutOfMemory):
        run(loaded, 1)


@pytest.mark.parametrize("text", ["fire@run", "out_of_memory", "hang@lunch", "hang@run*many"])
def test_a_fault_nobody_knows_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no fault"):
        Faults([text])
