"""A crowd waits for its turn, and nobody waits behind a call that has failed."""

import threading
import time

import pytest
import redis

from workers.connections.pool import FailingLine, PatientPool

pytestmark = pytest.mark.redis


@pytest.fixture
def pool(valkey_port: int) -> PatientPool:
    return PatientPool(
        host="127.0.0.1", port=valkey_port, max_connections=1, timeout=30, socket_timeout=5
    )


def taken(pool: PatientPool) -> redis.Connection:
    connection: redis.Connection = pool.get_connection()  # type: ignore[no-untyped-call]  # redis-py
    return connection


def waiting(pool: PatientPool) -> tuple[threading.Thread, list[object]]:
    """Somebody who waits for a connection, and what comes of it."""
    found: list[object] = []

    def wait() -> None:
        try:
            connection = taken(pool)
        except redis.ConnectionError as error:
            found.append(error)
        else:
            found.append("served")
            pool.release(connection)

    before = waiters(pool)
    thread = threading.Thread(target=wait)
    thread.start()
    deadline = time.monotonic() + 30
    while waiters(pool) == before:
        assert time.monotonic() < deadline
        time.sleep(0.005)
    return thread, found


def waiters(pool: PatientPool) -> int:
    """How many stand in its line."""
    return len(pool.pool.not_empty._waiters)


def test_who_waits_is_served_when_a_call_has_ended(pool: PatientPool) -> None:
    held = taken(pool)
    thread, found = waiting(pool)
    assert found == []

    pool.release(held)

    thread.join(timeout=60)
    assert found == ["served"]
    pool.disconnect()


def test_everybody_who_waits_goes_when_a_call_has_failed(pool: PatientPool) -> None:
    held = taken(pool)
    waiters = [waiting(pool) for _ in range(3)]

    held.disconnect()  # what a call does that got no answer
    pool.release(held)

    for thread, found in waiters:
        thread.join(timeout=60)
        assert isinstance(found[0], redis.ConnectionError)
    again = taken(pool)
    assert again.is_connected
    pool.release(again)
    pool.disconnect()


def test_a_failure_of_before_concerns_nobody() -> None:
    line = FailingLine(1)
    line.failed_at = time.monotonic()
    line.put_nowait("idle")

    assert line.get() == "idle"
