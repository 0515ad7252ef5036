"""A gateway that answers from a script, and remembers what it was asked."""

from collections.abc import Callable, Sequence

import httpx
import pytest

from client import Client, Retries
from client.testing import ScriptedGateway


@pytest.fixture
def gateway() -> ScriptedGateway:
    return ScriptedGateway()


@pytest.fixture
def faces(gateway: ScriptedGateway) -> Client:
    # No pauses: what is tested is what is sent, not how long it takes.
    retries = Retries(attempts=3, first_pause_seconds=0)
    return Client(
        "http://gateway.test",
        key="fs_live_test",
        retries=retries,
        transport=httpx.MockTransport(gateway),
    )


@pytest.fixture
def job_body() -> Callable[..., dict[str, object]]:
    """What the gateway tells of a job."""

    def _job_body(**members: object) -> dict[str, object]:
        return {
            "id": "job_1",
            "state": "queued",
            "created_at": "2026-01-01T00:00:00Z",
            "result": None,
            "error": None,
            **members,
        }

    return _job_body


@pytest.fixture
def batch_body() -> Callable[..., dict[str, object]]:
    """What the gateway tells of a batch with items in these states."""

    def _batch_body(states: Sequence[str], **members: object) -> dict[str, object]:
        names = ("pending", "running", "succeeded", "failed", "cancelled")
        counts = {name: states.count(name) for name in names}
        return {
            "id": "batch_1",
            "state": "running",
            "created_at": "2026-01-01T00:00:00Z",
            "counts": {"total": len(states), **counts},
            **members,
        }

    return _batch_body
