"""When a request is sent again, and after which pause."""

import pytest

from client.errors import GatewayAway, problem_of
from client.retries import Retries, retry_after_seconds


def test_pauses_double_up_to_the_longest() -> None:
    retries = Retries(attempts=9, first_pause_seconds=1, longest_pause_seconds=5)

    pauses = [retries.pause_seconds(GatewayAway(), attempt=n, chance=1) for n in range(1, 6)]

    assert pauses == [1, 2, 4, 5, 5]


def test_half_of_a_pause_is_left_to_chance() -> None:
    assert Retries(first_pause_seconds=1).pause_seconds(GatewayAway(), attempt=1, chance=0) == 0.5


def test_what_the_server_says_is_waited_for_whole() -> None:
    error = problem_of(429, {}, retry_after_seconds=60)

    pause = Retries(first_pause_seconds=1).pause_seconds(error, attempt=1, chance=0.5)

    assert pause == 60.5


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 410, 413, 422, 500])
def test_a_refusal_is_not_repeated(status: int) -> None:
    assert Retries().pause_seconds(problem_of(status, {}), attempt=1) is None


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0),
        ("-3", 0.0),
        ("Thu, 01 Jan 1970 00:01:40 GMT", 90.0),
        ("Thu, 01 Jan 1970 00:00:01 GMT", 0.0),
        ("soon", None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(
    header: str | None, seconds: float | None
) -> None:
    assert retry_after_seconds(header, now_seconds=10) == seconds
