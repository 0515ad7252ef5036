"""The scripts that decide and the pure policy that defines it are one."""

import pytest
import redis
from hypothesis import HealthCheck, settings

from tests.properties.agreement import agree
from vram.scripts import FOLDER

NIGHTLY = settings.get_current_profile_name() == "nightly"
#: The imitation runs the scripts a tenth as fast.
EXAMPLES = {"fake_redis": 100, "real_redis": 1_000}
SETTINGS = settings(
    deadline=None,
    derandomize=not NIGHTLY,
    database=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.timeout(3600)
@pytest.mark.parametrize(
    "store", ["fake_redis", pytest.param("real_redis", marks=pytest.mark.redis)]
)
def test_the_scripts_decide_as_the_policy_does(store: str, request: pytest.FixtureRequest) -> None:
    client: redis.Redis = request.getfixturevalue(store)

    agree(
        client,
        lua=FOLDER,
        budget=settings(SETTINGS, max_examples=EXAMPLES[store] * (50 if NIGHTLY else 1)),
    )
