"""The ladder around a session: which step is taken when, and what is held meanwhile: nothing."""

import gc
import weakref
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from models.contract import InferenceSession
from models.errors import (
    DeviceFault,
    InferenceFailed,
    ModelsError,
    OutOfMemory,
    ProviderUnavailable,
)
from tests.unit.workers.devices.ladder_desk import ROWS, Device, Told, check, ladder
from workers.devices.ladder import LadderSession


def test_a_run_that_fits_climbs_nothing_and_is_timed() -> None:
    told, runs = Told(), []
    session = ladder(Device(), told, ran=lambda rows, ms: runs.append((rows, ms >= 0)))

    check(session.run({"x": ROWS}))

    assert (told.steps, told.shortages, runs) == ([], 0, [(8, True)])


def test_a_shape_that_was_not_warmed_up_leaves_no_larger_arena() -> None:
    device = Device()
    session = ladder(device, Told())

    session.run({"x": ROWS[:1]})
    assert device.shrunk == 0

    session.run({"x": ROWS[:3]})
    assert device.shrunk == 1


def test_a_batch_is_halved_until_it_fits_and_put_together_in_order() -> None:
    device, told = Device(most_rows=3), Told()
    session = ladder(device, told)

    check(session.run({"x": ROWS}))

    assert [step for step, _ in told.steps] == ["arena_shrunk", "smaller_batch", "smaller_batch"]
    assert session.largest_batch == 2
    assert device.rows[-4:] == [("sim:1", 2)] * 4


def test_after_a_shortage_batches_stay_small_for_ten_minutes() -> None:
    now = [0.0]
    device, told = Device(most_rows=4), Told()
    session = ladder(device, told, clock=lambda: now[0])
    session.run({"x": ROWS})
    device.rows.clear()
    told.steps.clear()

    now[0] = 599
    check(session.run({"x": ROWS}))
    assert (device.rows, told.steps) == ([("sim:1", 4)] * 2, [])

    now[0] = 601
    check(session.run({"x": ROWS}))
    assert told.steps[0] == ("arena_shrunk", "out_of_memory")


def test_a_graph_with_a_fixed_batch_is_never_split() -> None:
    device, told = Device(most_rows=0, dims=(1, 2)), Told()
    device.most_rows = 1
    session = ladder(device, told)
    device.most_rows = 0

    check(session.run({"x": ROWS[:1]}), ROWS[:1])

    assert [step for step, _ in told.steps] == ["arena_shrunk", "session_renewed", "cpu"]


def test_others_leave_before_the_session_is_given_up() -> None:
    device, told = Device(most_rows=1), Told(others=1)
    session = ladder(device, told)
    device.most_rows = 0
    told.after_relief = lambda: setattr(device, "most_rows", 1)

    check(session.run({"x": ROWS}))

    assert told.steps[-1] == ("others_evicted", "out_of_memory")
    assert device.opened == ["sim:1"]


def test_a_session_opened_anew_takes_over() -> None:
    device, told = Device(most_rows=1), Told()
    session = ladder(device, told)
    device.most_rows, device.most_rows_when_opened_anew = 0, 99

    check(session.run({"x": ROWS[:2]}), ROWS[:2])
    assert told.steps[-1] == ("session_renewed", "out_of_memory")
    told.steps.clear()

    check(session.run({"x": ROWS[:1]}), ROWS[:1])
    assert told.steps == []


def test_at_the_top_the_cpu_runs_it_with_the_same_answer_and_the_device_is_tried_again() -> None:
    device, told = Device(most_rows=1), Told()
    session = ladder(device, told)
    device.most_rows = 0

    check(session.run({"x": ROWS}))

    assert told.steps[-1] == ("cpu", "out_of_memory")
    assert device.opened == ["sim:1", "sim:1", "cpu"]
    assert told.shortages == 1
    device.most_rows = 99
    device.rows.clear()
    check(session.run({"x": ROWS}))
    assert {where for where, _ in device.rows} == {"sim:1"}


def test_where_the_cpu_may_not_it_fails_with_the_reason() -> None:
    device, told = Device(most_rows=1), Told(may_use_cpu=False)
    session = ladder(device, told)
    device.most_rows = 0

    with pytest.raises(OutOfMemory, match=r"the CPU may not\. full"):
        session.run({"x": ROWS})

    assert told.steps[-1] == ("failed", "out_of_memory")
    assert "cpu" not in device.opened


def test_after_a_shortage_any_failure_is_one_more_step() -> None:
    device, told = Device(most_rows=4), Told()
    session = ladder(device, told)
    errors: list[Exception] = [OutOfMemory("full"), InferenceFailed("odd")]
    device.error = lambda: errors.pop(0)

    check(session.run({"x": ROWS}))

    assert [step for step, _ in told.steps] == ["arena_shrunk", "smaller_batch"]


def test_a_run_refused_for_another_reason_is_not_repeated() -> None:
    device, told = Device(most_rows=4), Told()
    session = ladder(device, told)
    device.error = lambda: InferenceFailed("wrong shape")

    with pytest.raises(InferenceFailed, match="wrong shape"):
        session.run({"x": ROWS})

    assert (told.steps, len(device.rows)) == ([], 1)


@pytest.mark.parametrize(
    "error",
    [
        DeviceFault("illegal memory access"),
        # A card that has fallen off the bus, or sleeps.
        ProviderUnavailable("no card is visible to this process"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_broken_device_is_left_at_once(error: ModelsError) -> None:
    device, told = Device(most_rows=4), Told()
    session = ladder(device, told)
    device.error = lambda: error

    check(session.run({"x": ROWS}))

    assert (told.broken, told.steps) == (1, [("cpu", "device_fault")])
    assert device.rows == [("sim:1", 8), ("cpu", 8)]


def test_a_broken_device_without_the_cpu_is_a_fault() -> None:
    device, told = Device(most_rows=4), Told(may_use_cpu=False)
    session = ladder(device, told)
    device.error = lambda: DeviceFault("illegal memory access")

    with pytest.raises(DeviceFault, match="the CPU may not"):
        session.run({"x": ROWS})


def test_a_session_that_can_not_be_opened_again_asks_for_a_new_load() -> None:
    device, told = Device(most_rows=1), Told()
    session = ladder(device, told)
    device.most_rows = 0
    first = device.open

    def refuse(where: str) -> InferenceSession:
        if where == "cpu":
            return first(where)
        raise OutOfMemory("no room to open it")

    session._opener = refuse
    check(session.run({"x": ROWS}))
    assert told.losses == 1

    check(session.run({"x": ROWS}))
    assert told.steps[-1] == ("cpu", "session_lost")
    assert told.shortages == 1
    # It may not have been heard the first time.
    assert told.losses == 2


def test_in_the_warm_up_errors_are_the_loader_s() -> None:
    told, device = Told(), Device(most_rows=4)
    session = LadderSession(
        device.open, device="sim:1", surroundings=told, ran=lambda _rows, _ms: None
    )

    with pytest.raises(OutOfMemory):
        session.run({"x": ROWS})

    assert told.steps == []


def test_a_closed_ladder_holds_no_session_and_runs_nothing() -> None:
    device = Device()
    session = ladder(device, Told())
    inner = weakref.ref(session._on_device())

    session.close()
    session.close()

    gc.collect()
    assert inner() is None
    with pytest.raises(InferenceFailed, match="unloaded"):
        session.run({"x": ROWS})


def test_while_a_step_is_tried_nothing_holds_the_tensors_of_the_try_before() -> None:
    device, told = Device(most_rows=3), Told()
    session = ladder(device, told)
    alive: list[weakref.ref[NDArray[Any]]] = []

    def fail() -> Exception:
        # As the runtime's frames would: the error's traceback sees a large tensor.
        assert all(tensor() is None for tensor in alive)
        tensor = np.zeros(1000)
        alive.append(weakref.ref(tensor))
        try:
            return _raised_with(tensor)
        finally:
            del tensor

    device.error = fail
    check(session.run({"x": ROWS}))

    assert len(alive) >= 2


def _raised_with(tensor: NDArray[Any]) -> Exception:
    def refuse(size: int) -> None:
        raise OutOfMemory(f"full with {size}")

    try:
        refuse(tensor.size)
    except OutOfMemory as error:
        return error
    raise AssertionError
