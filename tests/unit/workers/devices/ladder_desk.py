"""A device for the ladder's tests: out of memory above a number of rows, or as told."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.contract import InferenceSession, TensorInfo, Tensors
from models.errors import OutOfMemory
from workers.devices.ladder import LadderSession, Step, Trouble
from workers.devices.timings import Ran

ROWS = np.arange(16, dtype=np.float32).reshape(8, 2)


class Device:
    """Opens sessions that run out of memory above a number of rows, or as told."""

    def __init__(self, *, most_rows: int = 99, dims: tuple[int | str, ...] = ("batch", 2)) -> None:
        self.most_rows = most_rows
        self.most_rows_when_opened_anew: int | None = None
        self.infos = (TensorInfo(name="x", dtype="float32", dims=dims),)
        self.opened: list[str] = []
        self.rows: list[tuple[str, int]] = []
        self.shrunk = 0
        self.error: Callable[[], Exception] = lambda: OutOfMemory("full")

    def open(self, where: str) -> InferenceSession:
        if where != "cpu" and "sim:1" in self.opened and self.most_rows_when_opened_anew:
            self.most_rows = self.most_rows_when_opened_anew
        self.opened.append(where)
        return Session(self, where)


class Session:
    def __init__(self, device: Device, where: str) -> None:
        self._device, self._where = device, where
        self.inputs = self.outputs = device.infos
        self.provider = where
        self.is_closed = False

    def run(self, feeds: Tensors) -> dict[str, NDArray[Any]]:
        rows = len(feeds["x"])
        self._device.rows.append((self._where, rows))
        if self._where != "cpu" and rows > self._device.most_rows:
            raise self._device.error()
        return {"x": feeds["x"] + 1}

    def run_and_shrink(self, feeds: Tensors) -> dict[str, NDArray[Any]]:
        answers = self.run(feeds)
        self._device.shrunk += 1
        return answers

    def close(self) -> None:
        self.is_closed = True


class Told:
    """Surroundings that write down what they are told."""

    def __init__(self, *, may_use_cpu: bool = True, others: int = 0) -> None:
        self.may_use_cpu = may_use_cpu
        self.others = others
        self.after_relief: Callable[[], None] = lambda: None
        self.steps: list[tuple[Step, Trouble]] = []
        self.shortages = self.broken = self.losses = 0

    def ran_out(self, error: str) -> None:
        assert error
        self.shortages += 1

    def stepped(self, step: Step, error: str, trouble: Trouble) -> None:
        assert error
        self.steps.append((step, trouble))

    def relieve(self) -> bool:
        left, self.others = self.others > 0, self.others - 1
        if left:
            self.after_relief()
        return left

    def lost(self) -> None:
        self.losses += 1

    def broke(self, error: str) -> None:
        assert error
        self.broken += 1


def ladder(
    device: Device,
    told: Told,
    *,
    clock: Callable[[], float] = lambda: 0.0,
    ran: Ran = lambda _rows, _ms: None,
) -> LadderSession:
    made = LadderSession(
        device.open,
        device="sim:1",
        surroundings=told,
        ran=ran,
        clock=clock,
    )
    made.run({"x": ROWS[:1]})
    made.run({"x": ROWS[:1]})
    made.seal()
    device.rows.clear()
    return made


def check(answers: Mapping[str, NDArray[Any]], rows: NDArray[Any] = ROWS) -> None:
    np.testing.assert_array_equal(answers["x"], rows + 1)
