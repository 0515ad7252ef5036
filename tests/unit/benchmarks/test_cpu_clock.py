import os
import subprocess
import sys

import psutil
import pytest

from benchmarks.cpu_clock import CpuReading, CpuUse, cpu_seconds, read_cpu


def reading(wall: float, machine: float, **groups: float) -> CpuReading:
    return CpuReading(wall_seconds=wall, group_seconds=groups, machine_seconds=machine)


def test_use_is_the_difference_of_two_readings() -> None:
    use = CpuUse.between(reading(10, 100, worker=1), reading(14, 106, worker=3, gateway=1), cores=2)

    assert use.wall_seconds == 4
    assert use.group_seconds == {"worker": 2, "gateway": 1}
    # 6 s were used in 4 s on 2 cores, 3 of them by none of the groups.
    assert use.others_share == pytest.approx(3 / 8)


def test_a_group_whose_process_ended_has_used_nothing_rather_than_less() -> None:
    use = CpuUse.between(reading(0, 0, worker=5), reading(1, 1, worker=0), cores=1)

    assert use.group_seconds == {"worker": 0}


def test_the_others_share_stays_between_nothing_and_everything() -> None:
    more_than_all = CpuUse.between(reading(0, 0), reading(1, 9), cores=2)
    less_than_none = CpuUse.between(reading(0, 0, w=0), reading(1, 1, w=2), cores=2)

    assert (more_than_all.others_share, less_than_none.others_share) == (1, 0)


def test_work_of_a_process_shows_in_its_group() -> None:
    process = psutil.Process()
    before = read_cpu(lambda: {"us": [process]})

    while cpu_seconds(process) < before.group_seconds["us"] + 0.05:
        sum(range(10_000))

    use = CpuUse.between(before, read_cpu(lambda: {"us": [process]}), cores=os.cpu_count() or 1)
    assert use.group_seconds["us"] > 0.04
    assert use.wall_seconds > 0


def test_an_ended_process_counts_nothing() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        process = psutil.Process(child.pid)
        child.communicate(b"\n")

    assert cpu_seconds(process) == 0
