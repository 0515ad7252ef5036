"""Every planted fault is noticed: a property that notices nothing is not worth running."""

from pathlib import Path

import pytest
import redis
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.properties.agreement import agree
from tests.properties.dense import DenseMachine
from tests.properties.faults import FAULTS, Fault, planted
from vram.errors import UnknownDevice

#: Most are noticed in the first ten histories; none is looked at twice.
BUDGET = settings(
    max_examples=200,
    stateful_step_count=40,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(
    params=[pytest.param("real_redis", marks=pytest.mark.redis)],
)
def client(request: pytest.FixtureRequest) -> redis.Redis:
    """The real server: it runs the scripts twice as fast as its imitation."""
    found: redis.Redis = request.getfixturevalue(request.param)
    return found


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name.replace(" ", "_"))
def test_a_planted_fault_is_noticed(fault: Fault, client: redis.Redis, tmp_path: Path) -> None:
    lua = planted(fault, tmp_path)
    search = compare if fault.noticed_by == "policy" else live

    # An old holder that took the device back is noticed by the new one.
    with pytest.raises((AssertionError, UnknownDevice)):
        search(client, lua)


def compare(client: redis.Redis, lua: Path) -> None:
    """Answers of the scripts with the fault beside the policy's."""
    agree(client, lua=lua, budget=settings(BUDGET, max_examples=3000))


def live(client: redis.Redis, lua: Path) -> None:
    """Histories on the ledger with the fault."""
    machine = type("Machine", (DenseMachine,), {"client": client, "lua": lua})
    run_state_machine_as_test(machine, settings=BUDGET)


def test_there_are_faults_of_many_kinds() -> None:
    assert len(FAULTS) >= 15
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)
    assert len({fault.file for fault in FAULTS}) >= 8
