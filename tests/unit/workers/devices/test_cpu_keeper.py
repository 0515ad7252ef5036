"""A CPU worker's sign of life, and what it tells of its models' times."""

import time
from collections.abc import Callable, Mapping

import fakeredis
import pytest

from vram.errors import LedgerUnavailable
from vram.fleet import Where
from vram.redis_fleet import RedisFleet
from workers.devices.cpu_keeper import CpuKeeper
from workers.devices.timings import Timings


class Fleet(RedisFleet):
    """One that can be away."""

    is_away = False
    faults = 0

    def beat_cpu(self, process: str, *, live_seconds: float) -> None:
        if self.faults:
            self.faults -= 1
            raise ZeroDivisionError
        if self.is_away:
            raise LedgerUnavailable
        super().beat_cpu(process, live_seconds=live_seconds)

    def learned(self) -> Mapping[tuple[Where, str], float]:
        return self.outlook(["face"]).service_ms


@pytest.fixture
def fleet() -> Fleet:
    return Fleet(fakeredis.FakeRedis(server=fakeredis.FakeServer(version=(7, 2))))


def _eventually(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_process_counts_as_long_as_it_beats_and_its_times_are_learned(fleet: Fleet) -> None:
    timings = Timings(cpu_ratio=0.3)
    timings.ran("cpu", "face", 2, 20)
    keeper = CpuKeeper(fleet, process="box:1", timings=timings, live_seconds=0.6)
    keeper.start()

    _eventually(lambda: fleet.outlook([]).cpu_processes == 1)
    _eventually(lambda: fleet.learned() == {("cpu", "face"): 10})

    keeper.close()
    _eventually(lambda: fleet.outlook([]).cpu_processes == 0)


def test_a_store_that_is_away_is_told_again_when_it_is_back(fleet: Fleet) -> None:
    fleet.is_away = True
    keeper = CpuKeeper(fleet, process="box:1", timings=Timings(cpu_ratio=0.3), live_seconds=0.15)
    keeper.start()
    time.sleep(0.1)

    fleet.is_away = False

    _eventually(lambda: fleet.outlook([]).cpu_processes == 1)
    keeper.close()


def test_a_fault_of_one_sign_of_life_does_not_end_them(fleet: Fleet) -> None:
    fleet.faults = 1
    keeper = CpuKeeper(fleet, process="box:1", timings=Timings(cpu_ratio=0.3), live_seconds=0.15)

    keeper.start()

    _eventually(lambda: fleet.outlook([]).cpu_processes == 1)
    keeper.close()
