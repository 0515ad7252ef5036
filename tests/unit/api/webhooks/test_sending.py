"""Tries of deliveries: what is sent, and what follows from the answer."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest
import redis

from api.webhooks.pump import AT_ONCE, WebhookPump
from api.webhooks.records import Delivery, Webhook
from api.webhooks.redis_webhooks import RedisWebhooks
from api.webhooks.sending import Posted, Sender
from api.webhooks.signing import new_secret
from client.webhooks import verify

NOW = 1_800_000_000.0
SECRET = new_secret()


@dataclass
class Receiver:
    """A user's server that answers as it is told."""

    answer: Posted = field(default_factory=lambda: Posted(status=200))
    received: list[tuple[str, bytes, Mapping[str, str]]] = field(default_factory=list)

    def post(self, url: str, *, body: bytes, headers: Mapping[str, str]) -> Posted:
        self.received.append((url, body, headers))
        return self.answer


@pytest.fixture
def receiver() -> Receiver:
    return Receiver()


@pytest.fixture
def now_ms() -> list[int]:
    return [int(NOW * 1000)]


@pytest.fixture
def store(fake_redis: redis.Redis, now_ms: list[int]) -> RedisWebhooks:
    store = RedisWebhooks(fake_redis, clock_ms=lambda: now_ms[0])
    webhook = Webhook(
        id="hook_1",
        owner="anna",
        url="https://anna.test/hook",
        events=("job.succeeded",),
        description="",
        disabled="",
        created_ms=0,
        secrets=("sealed",),
    )
    store.create(webhook)
    store.tell(webhook, type_="job.succeeded", subject="job_1")
    return store


def _unseal(sealed: str) -> str:
    if sealed != "sealed":
        raise ValueError("sealed elsewhere")
    return SECRET


@pytest.fixture
def sender(store: RedisWebhooks, receiver: Receiver) -> Sender:
    return Sender(store, receiver, _unseal, clock_seconds=lambda: NOW, chance=lambda: 0.0)


def _try(store: RedisWebhooks, sender: Sender) -> Delivery:
    [due] = store.take_due(10, lease_seconds=30)
    sender.send(due)
    [logged] = store.log("anna", after=None, limit=10).deliveries
    return logged


def test_a_delivery_is_thin_and_signed(
    store: RedisWebhooks, sender: Sender, receiver: Receiver
) -> None:
    logged = _try(store, sender)

    [(url, body, headers)] = receiver.received
    assert url == "https://anna.test/hook"
    assert headers["webhook-id"] == logged.id
    assert verify(SECRET, headers, body, now_seconds=NOW) == {
        "type": "job.succeeded",
        "timestamp": "2027-01-15T08:00:00.000Z",
        "data": {"id": "job_1", "kind": "job", "state": "succeeded"},
    }
    assert json.loads(body)["data"].keys() == {"id", "kind", "state"}
    assert (logged.state, logged.status, logged.due_ms) == ("delivered", 200, None)


@pytest.mark.parametrize("status", [301, 302, 400, 404, 500, 503, None])
def test_what_is_no_success_is_tried_again_later(
    store: RedisWebhooks, sender: Sender, receiver: Receiver, now_ms: list[int], status: int | None
) -> None:
    receiver.answer = Posted(status=status, error="" if status else "no connection")

    logged = _try(store, sender)

    assert (logged.state, logged.status) == ("pending", status)
    assert logged.error == ("" if status else "no connection")
    assert logged.due_ms == now_ms[0] + 5000


def test_after_the_last_try_it_is_given_up(
    store: RedisWebhooks, sender: Sender, receiver: Receiver, now_ms: list[int]
) -> None:
    receiver.answer = Posted(status=500)
    states = []
    for _ in range(10):
        states.append(_try(store, sender).state)
        now_ms[0] += 86_400_000

    assert states == ["pending"] * 9 + ["failed"]
    assert store.take_due(10, lease_seconds=30) == ()
    assert len({headers["webhook-id"] for _, _, headers in receiver.received}) == 1


def test_a_secret_that_can_not_be_opened_is_told_and_nothing_is_sent(
    store: RedisWebhooks, sender: Sender, receiver: Receiver
) -> None:
    store.change("hook_1", "anna", secrets="other")

    logged = _try(store, sender)

    assert receiver.received == []
    assert logged.state == "pending"
    assert "another gateway" in logged.error


def test_the_pump_sends_everything_that_is_due_and_takes_no_more_than_it_can_send(
    store: RedisWebhooks, sender: Sender, receiver: Receiver
) -> None:
    webhook = store.find("hook_1", "anna")
    assert webhook is not None
    for number in range(2 * AT_ONCE):
        store.tell(webhook, type_="job.succeeded", subject=f"job_{number + 2}")
    pump = WebhookPump(store, sender, lease_seconds=30)

    rounds: list[int] = []
    with pump:
        # The pump's own thread helps: what counts is that each is sent once.
        while len(receiver.received) < 2 * AT_ONCE + 1 and len(rounds) < 400:
            rounds.append(pump.round())
            time.sleep(0.01)

    assert max(rounds) <= AT_ONCE
    sent = [headers["webhook-id"] for _, _, headers in receiver.received]
    assert len(sent) == len(set(sent)) == 2 * AT_ONCE + 1
