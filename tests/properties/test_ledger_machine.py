"""The state machine of tests.properties.machine on both stores."""

import pytest
import redis
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.properties.dense import DenseMachine

#: With every change: the same histories each time, about twenty seconds of them on each store. The
#: imitation runs the scripts a tenth as fast.
EXAMPLES = {"fake_redis": 10, "real_redis": 120}
BRIEF = settings(
    stateful_step_count=60,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.timeout(6 * 3600)
@pytest.mark.parametrize(
    "store", ["fake_redis", pytest.param("real_redis", marks=pytest.mark.redis)]
)
def test_the_book_is_true_whatever_happens_in_whatever_order(
    store: str, request: pytest.FixtureRequest
) -> None:
    client: redis.Redis = request.getfixturevalue(store)
    machine = type("Machine", (DenseMachine,), {"client": client})
    nightly = settings.get_current_profile_name() == "nightly"
    brief = settings(BRIEF, max_examples=EXAMPLES[store])
    run_state_machine_as_test(machine, settings=settings() if nightly else brief)
