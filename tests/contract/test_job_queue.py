"""Every job queue keeps the same promise: a wake-up carries a job id to its queue, nothing else."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
import redis
from pydantic import SecretStr

from workers.celery_config import KEY_PREFIX
from workers.contract import QUEUES, TASK_ANALYZE
from workers.dispatch import CeleryJobQueue, JobQueue, MemoryJobQueue, publisher
from workers.errors import StoreUnavailable
from workers.settings import Settings


@dataclass(kw_only=True)
class Subject:
    queue: JobQueue
    #: Takes the next job id off a queue, as its worker would.
    take: Callable[[str], str | None]


@pytest.fixture(params=["memory", pytest.param("celery", marks=pytest.mark.redis)])
def subject(request: pytest.FixtureRequest) -> Iterator[Subject]:
    if request.param == "memory":
        memory = MemoryJobQueue()

        def take_memory(queue: str) -> str | None:
            message = memory.take()
            assert message is None or message[1] == queue
            return message and message[0]

        yield Subject(queue=memory, take=take_memory)
        return
    client: redis.Redis = request.getfixturevalue("real_redis")
    port = request.getfixturevalue("valkey_port")
    with publisher(_settings(port)) as app:

        def take(queue: str) -> str | None:
            raw = client.rpop(KEY_PREFIX + queue)
            if raw is None:
                return None
            message = json.loads(str(raw, "utf-8") if isinstance(raw, bytes) else str(raw))
            assert message["headers"]["task"] == TASK_ANALYZE
            return str(message["headers"]["argsrepr"])

        yield Subject(queue=CeleryJobQueue(app), take=take)


def _settings(port: int) -> Settings:
    return Settings(redis_url=SecretStr(f"redis://127.0.0.1:{port}/0"), redis_timeout_seconds=0.5)


@pytest.mark.parametrize("queue", [name for name in QUEUES if name != "maintenance"])
def test_a_wake_up_reaches_its_queue(subject: Subject, queue: str) -> None:
    subject.queue.publish("job_1", queue)

    assert subject.take(queue) == "job_1"
    assert subject.take(queue) is None


def test_wake_ups_keep_their_order(subject: Subject) -> None:
    for number in range(5):
        subject.queue.publish(f"job_{number}", "cpu.bulk")

    assert [subject.take("cpu.bulk") for _ in range(5)] == [f"job_{n}" for n in range(5)]


@pytest.mark.redis
def test_a_message_holds_the_id_and_no_image(real_redis: redis.Redis, valkey_port: int) -> None:
    with publisher(_settings(valkey_port)) as app:
        CeleryJobQueue(app).publish("job_1", "cpu.bulk")

    raw = real_redis.lrange(KEY_PREFIX + "cpu.bulk", 0, -1)
    assert isinstance(raw, list)
    assert len(raw) == 1
    assert len(raw[0]) < 1500


def test_a_broker_that_is_away_is_told_in_bounded_time(pick_port: Callable[[], int]) -> None:
    with publisher(_settings(pick_port())) as app, pytest.raises(StoreUnavailable):
        CeleryJobQueue(app).publish("job_1", "cpu.bulk")
