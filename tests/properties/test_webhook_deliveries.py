"""Deliveries under any order of takers, deaths, answers and second wishes, on the real server.

The reference is a dictionary: what each delivery is, who has it, until when.
"""

import threading
from collections import Counter
from dataclasses import dataclass

import pytest
import redis
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    rule,
    run_state_machine_as_test,
)

from api.webhooks.records import Delivery, Webhook
from api.webhooks.redis_webhooks import Outcome, RedisWebhooks

BRIEF = settings(
    max_examples=60,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
LEASE_MS = 30_000
WEBHOOK = Webhook(
    id="hook_1",
    owner="anna",
    url="https://anna.test",
    events=("job.succeeded",),
    description="",
    disabled="",
    created_ms=0,
    secrets=("sealed",),
)


@dataclass
class Expected:
    """What a delivery must be."""

    state: str = "pending"
    attempt: int = 0
    due_ms: int = 0


class DeliveryMachine(RuleBasedStateMachine):
    """Takers that live or die, outcomes that come in time or late."""

    client: redis.Redis
    taken = Bundle("taken")

    def __init__(self) -> None:
        super().__init__()
        self.client.flushall()
        self.now_ms = 1_000_000
        self.store = RedisWebhooks(self.client, clock_ms=lambda: self.now_ms)
        self.store.create(WEBHOOK)
        self.expected: dict[str, Expected] = {}
        self.is_there = True

    @rule()
    def tell(self) -> None:
        if self.is_there:
            subject = f"job_{len(self.expected)}"
            id_ = self.store.tell(WEBHOOK, type_="job.succeeded", subject=subject)
            self.expected[id_] = Expected(due_ms=self.now_ms)

    @rule(limit=st.integers(1, 4), target=taken)
    def take(self, limit: int) -> tuple[Delivery, ...]:
        due = {
            id_
            for id_, one in self.expected.items()
            if one.state == "pending" and one.due_ms <= self.now_ms
        }
        found = [one.delivery for one in self.store.take_due(limit, lease_seconds=LEASE_MS / 1000)]
        if not self.is_there:
            assert not found
            # The oldest `limit` of them were given up: which ones, the log tells.
            for one in self.store.log("anna", after=None, limit=100).deliveries:
                if one.id in due and one.state == "failed":
                    self.expected[one.id].state = "failed"
            return ()
        assert len(found) == min(limit, len(due))
        for delivery in found:
            expected = self.expected[delivery.id]
            assert delivery.id in due
            expected.attempt += 1
            expected.due_ms = self.now_ms + LEASE_MS
            assert delivery.attempt == expected.attempt
        return tuple(found)

    @rule(
        deliveries=consumes(taken),
        outcome=st.sampled_from(["delivered", "failed", "again"]),
        pause_ms=st.integers(0, 60_000),
    )
    def settle(self, deliveries: tuple[Delivery, ...], outcome: Outcome, pause_ms: int) -> None:
        for delivery in deliveries:
            expected = self.expected[delivery.id]
            counts = expected.state == "pending" and expected.attempt == delivery.attempt
            written = self.store.settle(delivery, outcome, status=500, error="", pause_ms=pause_ms)
            assert written == counts
            if counts and outcome == "again":
                expected.due_ms = self.now_ms + pause_ms
            elif counts:
                expected.state = outcome

    @rule(seconds=st.sampled_from([1, 29, 31, 3600]))
    def wait(self, seconds: int) -> None:
        self.now_ms += seconds * 1000

    @rule(data=st.data())
    def redeliver(self, data: st.DataObject) -> None:
        if self.expected:
            id_ = data.draw(st.sampled_from(sorted(self.expected)))
            assert self.store.redeliver(id_, "anna")
            assert not self.store.redeliver(id_, "bert")
            self.expected[id_] = Expected(due_ms=self.now_ms)

    @rule()
    def delete(self) -> None:
        assert self.store.delete("hook_1", "anna") == self.is_there
        self.is_there = False

    @invariant()
    def the_log_tells_what_is(self) -> None:
        told = {one.id: one for one in self.store.log("anna", after=None, limit=100).deliveries}
        assert set(told) == set(self.expected)
        for id_, expected in self.expected.items():
            assert told[id_].state == expected.state
            assert told[id_].attempt == expected.attempt
            assert told[id_].due_ms == (expected.due_ms if expected.state == "pending" else None)

    def teardown(self) -> None:
        """All leases end: everything that waits is taken, settled, and nothing is left."""
        self.now_ms += 10 * 3_600_000
        while found := self.store.take_due(100, lease_seconds=30):
            for one in found:
                assert self.store.settle(
                    one.delivery, "delivered", status=200, error="", pause_ms=0
                )
        states = Counter(
            one.state for one in self.store.log("anna", after=None, limit=100).deliveries
        )
        assert states["pending"] == 0
        super().teardown()


@pytest.mark.redis
def test_deliveries_keep_their_promises_in_any_order(real_redis: redis.Redis) -> None:
    machine = type("Machine", (DeliveryMachine,), {"client": real_redis})

    nightly = settings.get_current_profile_name() == "nightly"
    run_state_machine_as_test(machine, settings=settings() if nightly else BRIEF)


@pytest.mark.redis
def test_takers_at_once_take_each_delivery_once(real_redis: redis.Redis) -> None:
    real_redis.flushall()
    store = RedisWebhooks(real_redis)
    store.create(WEBHOOK)
    told = [
        store.tell(WEBHOOK, type_="job.succeeded", subject=f"job_{number}") for number in range(200)
    ]
    taken: list[str] = []

    def _take() -> None:
        while found := store.take_due(7, lease_seconds=60):
            taken.extend(one.delivery.id for one in found)

    takers = [threading.Thread(target=_take) for _ in range(8)]
    for taker in takers:
        taker.start()
    for taker in takers:
        taker.join()

    assert Counter(taken) == dict.fromkeys(told, 1)
