"""Deliveries: made with the end of a job, leased, repeated, settled once."""

from collections.abc import Callable

import redis

from api.webhooks.records import Webhook
from api.webhooks.redis_webhooks import RedisWebhooks

Make = Callable[..., Webhook]
EndJob = Callable[..., str]
Advance = Callable[[float], None]


def test_the_end_of_a_job_is_told_to_its_owners_webhooks_that_want_it(
    webhooks: RedisWebhooks, webhook: Make, end_job: EndJob
) -> None:
    webhooks.create(webhook())
    webhooks.create(webhook(id="hook_2", events=("batch.succeeded",)))
    webhooks.create(webhook(id="hook_3", owner="bert"))
    webhooks.create(webhook(id="hook_4", disabled=""))
    webhooks.change("hook_4", "anna", disabled="paused")

    end_job("job_1")

    [due] = webhooks.take_due(10, lease_seconds=30)
    assert due.delivery.webhook_id == "hook_1"
    assert due.delivery.type == "job.succeeded"
    assert due.delivery.subject == "job_1"
    assert due.delivery.url == "https://anna.test/hook"
    assert due.delivery.attempt == 1
    assert due.secrets == ("sealed",)


def test_a_failed_job_is_told_as_failed(
    webhooks: RedisWebhooks, webhook: Make, end_job: EndJob
) -> None:
    webhooks.create(webhook())

    end_job("job_1", failed=True)

    [due] = webhooks.take_due(10, lease_seconds=30)
    assert due.delivery.type == "job.failed"


def test_an_address_given_with_the_request_is_told_once_with_the_owners_secret(
    webhooks: RedisWebhooks, end_job: EndJob
) -> None:
    assert webhooks.request_secret("anna", "first") == "first"
    assert webhooks.request_secret("anna", "second") == "first"

    end_job("job_1", webhook_url="https://anna.test/once")

    [due] = webhooks.take_due(10, lease_seconds=30)
    assert (due.delivery.webhook_id, due.delivery.url) == ("", "https://anna.test/once")
    assert due.secrets == ("first",)


def test_what_nothing_can_sign_is_given_up(webhooks: RedisWebhooks, end_job: EndJob) -> None:
    end_job("job_1", webhook_url="https://anna.test/once")

    assert webhooks.take_due(10, lease_seconds=30) == ()
    [logged] = webhooks.log("anna", after=None, limit=10).deliveries
    assert (logged.state, logged.error) == ("failed", "no secret")


def test_nothing_is_due_for_owners_without_webhooks(
    webhooks: RedisWebhooks, end_job: EndJob
) -> None:
    end_job("job_1")

    assert webhooks.take_due(10, lease_seconds=30) == ()


def test_a_try_is_one_takers_until_its_lease_ends(
    webhooks: RedisWebhooks, webhook: Make, end_job: EndJob, advance: Advance
) -> None:
    webhooks.create(webhook())
    end_job("job_1")
    [first] = webhooks.take_due(10, lease_seconds=30)

    assert webhooks.take_due(10, lease_seconds=30) == ()
    advance(31)
    [second] = webhooks.take_due(10, lease_seconds=30)

    assert second.delivery.id == first.delivery.id
    assert second.delivery.attempt == 2
    settled = webhooks.settle(first.delivery, "delivered", status=200, error="", pause_ms=0)
    assert not settled, "a zombie's outcome counts for nothing"
    assert webhooks.settle(second.delivery, "delivered", status=200, error="", pause_ms=0)


def test_what_was_delivered_is_never_due_again(
    webhooks: RedisWebhooks, webhook: Make, end_job: EndJob, advance: Advance
) -> None:
    webhooks.create(webhook())
    end_job("job_1")
    [due] = webhooks.take_due(10, lease_seconds=30)

    webhooks.settle(due.delivery, "delivered", status=204, error="", pause_ms=0)
    advance(1_000_000)

    assert webhooks.take_due(10, lease_seconds=30) == ()
    [logged] = webhooks.log("anna", after=None, limit=10).deliveries
    assert (logged.state, logged.status, logged.attempt) == ("delivered", 204, 1)


def test_a_failed_try_is_due_after_its_pause_and_no_sooner(
    webhooks: RedisWebhooks, webhook: Make, end_job: EndJob, advance: Advance
) -> None:
    webhooks.create(webhook())
    end_job("job_1")
    [due] = webhooks.take_due(10, lease_seconds=30)

    webhooks.settle(due.delivery, "again", status=500, error="", pause_ms=5000)

    advance(4.9)
    assert webhooks.take_due(10, lease_seconds=30) == ()
    advance(0.2)
    [again] = webhooks.take_due(10, lease_seconds=30)
    assert again.delivery.id == due.delivery.id


def test_a_server_that_says_gone_is_not_asked_again_about_anything(
    webhooks: RedisWebhooks, webhook: Make, end_job: EndJob
) -> None:
    webhooks.create(webhook())
    end_job("job_1")
    [due] = webhooks.take_due(10, lease_seconds=30)

    webhooks.settle(due.delivery, "failed", status=410, error="", pause_ms=0)
    end_job("job_2")

    assert webhooks.take_due(10, lease_seconds=30) == ()
    found = webhooks.find("hook_1", "anna")
    assert found is not None
    assert found.disabled == "gone"


def test_deliveries_to_a_deleted_webhook_are_given_up(
    webhooks: RedisWebhooks, webhook: Make, end_job: EndJob
) -> None:
    webhooks.create(webhook())
    end_job("job_1")

    assert webhooks.delete("hook_1", "anna")

    assert webhooks.take_due(10, lease_seconds=30) == ()
    [logged] = webhooks.log("anna", after=None, limit=10).deliveries
    assert (logged.state, logged.error) == ("failed", "deleted")


def test_a_delivery_is_sent_anew_by_hand_by_its_owner_only(
    webhooks: RedisWebhooks, webhook: Make, end_job: EndJob
) -> None:
    webhooks.create(webhook())
    end_job("job_1")
    [due] = webhooks.take_due(10, lease_seconds=30)
    webhooks.settle(due.delivery, "failed", status=500, error="", pause_ms=0)

    assert not webhooks.redeliver(due.delivery.id, "bert")
    assert webhooks.redeliver(due.delivery.id, "anna")

    [again] = webhooks.take_due(10, lease_seconds=30)
    assert (again.delivery.id, again.delivery.attempt) == (due.delivery.id, 1)


def test_the_log_is_read_in_parts_newest_first(
    webhooks: RedisWebhooks, webhook: Make, end_job: EndJob
) -> None:
    webhooks.create(webhook())
    for number in range(5):
        end_job(f"job_{number}")

    read: list[str] = []
    after: str | None = None
    while True:
        page = webhooks.log("anna", after=after, limit=2)
        read += [delivery.subject for delivery in page.deliveries]
        after = page.after
        if after is None:
            break

    assert sorted(read) == [f"job_{number}" for number in range(5)]
    assert webhooks.log("bert", after=None, limit=2).deliveries == ()


def test_a_webhook_belongs_to_its_owner(webhooks: RedisWebhooks, webhook: Make) -> None:
    webhooks.create(webhook())

    assert webhooks.find("hook_1", "bert") is None
    assert webhooks.list("bert") == ()
    assert not webhooks.change("hook_1", "bert", url="https://bert.test")
    assert not webhooks.delete("hook_1", "bert")
    assert webhooks.find("hook_1", "anna") == webhooks.list("anna")[0]


def test_an_owner_has_a_limited_number_of_webhooks(webhooks: RedisWebhooks, webhook: Make) -> None:
    made = [webhooks.create(webhook(id=f"hook_{number}")) for number in range(25)]

    assert made == [True] * 20 + [False] * 5
    assert webhooks.create(webhook(id="hook_3")), "what is there may be made again"


def test_what_was_settled_is_forgotten_in_time(
    webhooks: RedisWebhooks, webhook: Make, end_job: EndJob, client: redis.Redis
) -> None:
    webhooks.create(webhook())
    end_job("job_1")
    [due] = webhooks.take_due(10, lease_seconds=30)

    webhooks.settle(due.delivery, "delivered", status=200, error="", pause_ms=0)

    week = 7 * 86_400
    [log] = client.keys("*hooks:log:*")
    [delivery] = client.keys("*hooks:delivery:*")
    assert 0 < client.ttl(delivery) <= week
    assert week < client.ttl(log) <= 2 * week


def test_rotations_keep_the_two_newest_secrets(webhooks: RedisWebhooks, webhook: Make) -> None:
    webhooks.create(webhook())

    assert webhooks.rotate("hook_1", "anna", "second")
    assert webhooks.rotate("hook_1", "anna", "third")

    found = webhooks.find("hook_1", "anna")
    assert found is not None
    assert found.secrets == ("third", "second")
    assert not webhooks.rotate("hook_1", "bert", "fourth")
    assert not webhooks.rotate("hook_2", "anna", "fourth")


def test_of_an_owner_who_leaves_nothing_is_kept_and_nothing_told_any_more(
    webhooks: RedisWebhooks, webhook: Make, end_job: EndJob
) -> None:
    webhooks.create(webhook())
    webhooks.create(webhook(id="hook_2"))
    webhooks.create(webhook(id="hook_3", owner="bert"))
    webhooks.request_secret("anna", "sealed")
    end_job("job_1", webhook_url="https://anna.test/own")
    end_job("job_2", owner="bert")

    assert webhooks.forget("anna") == 2
    assert webhooks.forget("anna") == 0

    assert [due.delivery.owner for due in webhooks.take_due(10, lease_seconds=30)] == ["bert"]
    assert webhooks.list("anna") == ()
    assert webhooks.request_secret("anna", "another") == "another"
    assert [one.state for one in webhooks.log("anna", after=None, limit=9).deliveries] == [
        "failed"
    ] * 3
