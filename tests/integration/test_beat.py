"""Beat holds back while nobody takes its messages, and goes on when somebody does."""

from pathlib import Path

import pytest
import redis
from celery import Celery
from celery.beat import ScheduleEntry
from pydantic import SecretStr

from workers.beat import MOST_WAITING, PatientScheduler
from workers.celery_config import KEY_PREFIX, celery_settings
from workers.contract import QUEUE_MAINTENANCE
from workers.settings.process import Settings

pytestmark = pytest.mark.redis

QUEUE = KEY_PREFIX + QUEUE_MAINTENANCE


def test_messages_nobody_takes_do_not_pile_up(
    real_redis: redis.Redis, valkey_port: int, tmp_path: Path
) -> None:
    settings = Settings(redis_url=SecretStr(f"redis://127.0.0.1:{valkey_port}/0"))
    with Celery("test", set_as_current=False) as app:
        app.conf.update(celery_settings(settings, "worker"))
        scheduler = PatientScheduler(app=app, schedule_filename=str(tmp_path / "schedule"))
        entry: ScheduleEntry = scheduler.schedule["dispatch"]

        for _ in range(3 * MOST_WAITING):
            scheduler.apply_async(entry, advance=False)
        assert real_redis.llen(QUEUE) == MOST_WAITING

        real_redis.delete(QUEUE)
        scheduler.apply_async(entry, advance=False)
        assert real_redis.llen(QUEUE) == 1
        scheduler.close()
