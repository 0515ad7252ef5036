"""The state machine of tests.properties.batch_machine on a real server."""

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test
from pydantic import SecretStr

from tests.properties.batch_machine import BatchMachine
from workers.connections.client import connect
from workers.settings.process import Settings

#: With every change: the same histories each time, a few seconds of them.
BRIEF = settings(
    max_examples=40,
    stateful_step_count=50,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.redis
@pytest.mark.timeout(6 * 3600)
def test_batches_are_what_they_should_be_whatever_happens_in_whatever_order(
    valkey_port: int,
) -> None:
    own = Settings(redis_url=SecretStr(f"redis://127.0.0.1:{valkey_port}/2"))
    with connect(own, role="test") as client:
        machine = type("Machine", (BatchMachine,), {"client": client})
        nightly = settings.get_current_profile_name() == "nightly"
        run_state_machine_as_test(machine, settings=settings() if nightly else BRIEF)
        client.flushdb()
