"""Time that passes for the jobs of a server at once."""

from typing import cast

import redis

from workers.jobs.scripts import JOB_PREFIX, PREFIX

#: Of a job: when something happened or will.
TIMES = ("created_ms", "started_ms", "finished_ms", "expires_ms", "lease_ms")


def let_pass(client: redis.Redis, seconds: float) -> None:
    """Move every stored time back, and let expire what has a shorter time to live."""
    delta_ms = int(seconds * 1000)
    for key in list(client.scan_iter(PREFIX + "*")):
        left_ms = client.pttl(key)
        if 0 <= left_ms <= delta_ms:
            client.delete(key)
        elif left_ms > delta_ms:
            client.pexpire(key, left_ms - delta_ms)
        if client.type(key) == "zset":
            _move_scores(client, key, delta_ms)
        elif key.startswith(JOB_PREFIX):
            for field in TIMES:
                if client.hexists(key, field):
                    client.hincrby(key, field, -delta_ms)


def _move_scores(client: redis.Redis, key: str, delta_ms: int) -> None:
    scores = cast("list[tuple[str, float]]", client.zrange(key, 0, -1, withscores=True))
    for member, score in scores:
        client.zadd(key, {member: score - delta_ms})
