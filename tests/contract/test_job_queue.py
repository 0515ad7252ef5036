"""Every job queue keeps the same promise: a wake-up carries a job id to its queue, nothing else."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
import redis
from celery import Celery
from celery.app.task import Context
from pydantic import SecretStr

from workers.celery_config import KEY_PREFIX, celery_settings
from workers.contract import TASK_ANALYZE, TASK_DISPATCH, local_device, queue_of
from workers.dispatch import CeleryJobQueue, JobQueue, MemoryJobQueue, publisher
from workers.errors import StoreUnavailable
from workers.settings.process import Settings


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


def _nothing(job_id: str) -> None:
    """In a publisher's place of the task."""


@pytest.mark.parametrize(
    "queue",
    [
        "cpu.interactive",
        "cpu.bulk",
        queue_of("interactive", device="box1/cuda:0"),
        queue_of("bulk", device="box.example.org/sim:700:1"),
    ],
)
def test_a_wake_up_reaches_its_queue(subject: Subject, queue: str) -> None:
    subject.queue.publish("job_1", queue)

    assert subject.take(queue) == "job_1"
    assert subject.take(queue) is None


def test_wake_ups_keep_their_order(subject: Subject) -> None:
    for number in range(5):
        subject.queue.publish(f"job_{number}", "cpu.bulk")

    assert [subject.take("cpu.bulk") for _ in range(5)] == [f"job_{n}" for n in range(5)]


@pytest.mark.parametrize("name", ["gpu.interactive", "maintenance", "cpu.everything", "nonsense"])
def test_what_is_no_queue_of_jobs_is_refused(name: str, pick_port: Callable[[], int]) -> None:
    with publisher(_settings(pick_port())) as app, pytest.raises(ValueError, match=name):
        CeleryJobQueue(app).publish("job_1", name)


@pytest.mark.redis
def test_devices_that_came_and_went_leave_nothing_that_messages_pay_for(
    real_redis: redis.Redis, valkey_port: int
) -> None:
    with publisher(_settings(valkey_port)) as app:
        for number in range(50):
            CeleryJobQueue(app).publish("job_1", queue_of("bulk", device=f"box{number}/cuda:0"))
        before = len(list(real_redis.scan_iter(KEY_PREFIX + "_kombu*")))
        for number in range(50):
            real_redis.delete(KEY_PREFIX + queue_of("bulk", device=f"box{number}/cuda:0"))

    assert before == 0
    assert list(real_redis.scan_iter(KEY_PREFIX + "*")) == []


@pytest.mark.redis
def test_a_message_of_another_task_is_routed_as_before(
    real_redis: redis.Redis, valkey_port: int
) -> None:
    with publisher(_settings(valkey_port)) as app:
        app.send_task(TASK_DISPATCH)

    assert real_redis.llen(KEY_PREFIX + "maintenance") == 1


@pytest.mark.redis
def test_a_wake_up_whose_process_died_is_sent_to_its_queue_again(
    real_redis: redis.Redis, valkey_port: int
) -> None:
    settings = _settings(valkey_port).model_copy(update={"device": "sim:700"})
    queue = queue_of("bulk", device=local_device(settings.device))
    with Celery(set_as_current=False) as app:
        app.conf.update(celery_settings(settings, "worker"))
        task = app.task(_nothing, name=TASK_ANALYZE)
        delivered = {"exchange": "", "routing_key": queue}
        request = Context(id="wake_up_1", args=["job_1"], kwargs={}, delivery_info=delivered)

        task.signature_from_request(request, countdown=5, retries=1).apply_async()

    assert real_redis.llen(KEY_PREFIX + queue) == 1


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
