"""Sixteen processes at one device, all at once: what they did is judged by its events."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import redis
from hypothesis import settings

from tests.properties.hammer import DEVICE, PROCESSES, Board
from vram.invariants import StreamCheck, check_replay
from vram.redis_ledger import RedisLedger

#: Of each process: some ten seconds of two cores; at night a minute.
TURNS, NIGHTLY_TURNS = 2_000, 12_000
LONGEST_SECONDS = 360


@pytest.mark.redis
@pytest.mark.timeout(LONGEST_SECONDS + 40)
def test_sixteen_processes_at_one_device_never_overfill_it_and_lose_nothing(
    real_redis: redis.Redis, root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger = RedisLedger(real_redis, silent_seconds=15.0)
    ledger.register(DEVICE)
    board = tmp_path / "board"
    board.write_bytes(bytes(Board.BYTES))

    calls = hammer(real_redis.connection_pool.connection_kwargs["port"], root, board)

    check, events, admitted = StreamCheck(DEVICE), 0, 0
    for event in ledger.follow(DEVICE.id):
        events += 1
        admitted += event.op == "begin"
        # Nobody here takes more than was reserved, so there is no excuse at any event.
        assert event.physical_mib <= event.usable_mib, event
        assert event.planned_mib <= event.usable_mib, event
        check.feed([event])
    assert not check.violations, check.violations[:3]
    assert admitted > 100
    state = ledger.state(DEVICE.id)
    assert not check_replay(state, check)
    assert not state.entries
    assert Board(board, 0).used_mib == DEVICE.reserved_mib + DEVICE.context_mib
    ledger.observe(
        DEVICE.id,
        DEVICE.incarnation,
        used_mib=Board(board, 0).used_mib,
        version=ledger.version(DEVICE.id),
    )
    assert ledger.state(DEVICE.id).foreign_mib == 0
    with capsys.disabled():
        print(f"\n{PROCESSES} processes: {calls:.0f} calls/s, {events} events")  # noqa: T201 - the run's figure


def hammer(port: int, root: Path, board: Path) -> float:
    """Let them loose; answers their calls per second, all together."""
    command = [sys.executable, "-m", "tests.properties.hammer", "--port", str(port)]
    nightly = settings.get_current_profile_name() == "nightly"
    turns = NIGHTLY_TURNS if nightly else TURNS
    command += ["--turns", str(turns), "--board", str(board), "--number"]
    processes = [
        subprocess.Popen([*command, str(number)], cwd=root, stdout=subprocess.PIPE, text=True)
        for number in range(PROCESSES)
    ]
    try:
        said = [process.communicate(timeout=LONGEST_SECONDS)[0] for process in processes]
    finally:
        for process in processes:
            process.kill()
            process.wait()
    assert [process.returncode for process in processes] == [0] * PROCESSES
    told = [json.loads(line) for line in said]
    return sum(float(line["calls"]) / float(line["seconds"]) for line in told)
