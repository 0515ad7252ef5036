"""The state machine of tests.properties.index_machine."""

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.properties.index_machine import IndexMachine

#: With every change: the same histories each time, a few seconds of them.
BRIEF = settings(
    max_examples=60,
    stateful_step_count=40,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.timeout(6 * 3600)
def test_every_process_finds_what_the_store_has_whatever_happens_in_whatever_order() -> None:
    nightly = settings.get_current_profile_name() == "nightly"

    run_state_machine_as_test(IndexMachine, settings=settings() if nightly else BRIEF)
