"""Every store of answers keeps the same promises."""

import threading
from collections.abc import Callable, Iterator

import fakeredis
import pytest
import redis

from api.errors import ApiError
from api.kept_answers import (
    KEPT_SECONDS,
    UNDERWAY_SECONDS,
    KeptAnswer,
    KeptAnswers,
    MemoryKeptAnswers,
)
from api.redis_kept_answers import PREFIX, RedisKeptAnswers
from workers.errors import IdempotencyConflict

ANSWER = KeptAnswer(status=201, media_type="application/json", location="/a/1", body='{"ä": 1}')


@pytest.fixture(params=["memory", "fake", pytest.param("real", marks=pytest.mark.redis)])
def answers(request: pytest.FixtureRequest) -> Iterator[KeptAnswers]:
    if request.param == "memory":
        yield MemoryKeptAnswers()
    elif request.param == "fake":
        server = fakeredis.FakeServer(version=(7, 2))
        with fakeredis.FakeRedis(server=server, decode_responses=True) as client:
            yield RedisKeptAnswers(client)
    else:
        port = request.getfixturevalue("valkey_port")
        with redis.Redis(port=port, decode_responses=True) as client:
            client.flushall()
            yield RedisKeptAnswers(client)


def test_a_request_is_begun_once_and_then_answered_as_it_was(answers: KeptAnswers) -> None:
    assert answers.begin("name", "f1") is None
    with pytest.raises(ApiError) as underway:
        answers.begin("name", "f1")
    assert underway.value.code == "idempotency_in_progress"

    answers.keep("name", "f1", ANSWER)

    assert answers.begin("name", "f1") == ANSWER
    assert answers.begin("name", "f1") == ANSWER
    assert answers.begin("another", "f1") is None


@pytest.mark.parametrize("is_answered", [False, True])
def test_another_request_of_that_name_is_refused(answers: KeptAnswers, is_answered: bool) -> None:
    answers.begin("name", "f1")
    if is_answered:
        answers.keep("name", "f1", ANSWER)

    with pytest.raises(IdempotencyConflict):
        answers.begin("name", "f2")


def test_what_failed_may_be_done_again_by_anybody(answers: KeptAnswers) -> None:
    answers.begin("name", "f1")

    answers.forget("name")
    answers.forget("name")

    assert answers.begin("name", "f2") is None


def test_of_many_at_once_one_does_it(answers: KeptAnswers) -> None:
    outcomes: list[str] = []

    def ask() -> None:
        try:
            outcomes.append("does it" if answers.begin("name", "f1") is None else "answered")
        except ApiError as error:
            outcomes.append(error.code)

    askers = [threading.Thread(target=ask) for _ in range(20)]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join(20)

    assert sorted(outcomes) == ["does it"] + ["idempotency_in_progress"] * 19


def test_nothing_is_kept_for_ever() -> None:
    now = [0.0]
    clock: Callable[[], float] = lambda: now[0]  # noqa: E731 - a clock that is turned
    answers = MemoryKeptAnswers(clock=clock)
    answers.begin("lost", "f1")
    answers.begin("kept", "f1")
    answers.keep("kept", "f1", ANSWER)

    now[0] += UNDERWAY_SECONDS + 1
    assert answers.begin("lost", "f2") is None
    assert answers.begin("kept", "f1") == ANSWER
    now[0] += KEPT_SECONDS
    assert answers.begin("kept", "f2") is None


def test_on_a_server_nothing_is_kept_for_ever(fake_redis: redis.Redis) -> None:
    answers = RedisKeptAnswers(fake_redis)
    answers.begin("name", "f1")
    assert 0 < fake_redis.ttl(PREFIX + "name") <= UNDERWAY_SECONDS

    answers.keep("name", "f1", ANSWER)

    assert UNDERWAY_SECONDS < fake_redis.ttl(PREFIX + "name") <= KEPT_SECONDS
