"""When a delivery is tried again."""

import pytest

from api.webhooks.schedule import is_delivered, pause_seconds


def test_the_pauses_are_those_of_the_specification_and_then_it_ends() -> None:
    pauses = [
        pause_seconds(attempt, status=500, retry_after_seconds=None, chance=0)
        for attempt in range(1, 11)
    ]

    hours = 3600
    assert pauses == [
        5,
        300,
        1800,
        2 * hours,
        5 * hours,
        10 * hours,
        14 * hours,
        20 * hours,
        24 * hours,
        None,
    ]


def test_chance_makes_a_pause_longer_by_a_fifth_at_most() -> None:
    assert pause_seconds(1, status=None, retry_after_seconds=None, chance=1) == 6


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_receiver_says_when(status: int) -> None:
    assert pause_seconds(1, status=status, retry_after_seconds=90, chance=0) == 90
    assert pause_seconds(1, status=status, retry_after_seconds=1, chance=0) == 5
    assert pause_seconds(1, status=status, retry_after_seconds=1e9, chance=0) == 86_400


def test_other_statuses_say_nothing_about_time() -> None:
    assert pause_seconds(1, status=500, retry_after_seconds=90, chance=0) == 5


def test_gone_is_the_end() -> None:
    assert pause_seconds(1, status=410, retry_after_seconds=None, chance=0) is None


@pytest.mark.parametrize(
    ("status", "delivered"),
    [
        (200, True),
        (204, True),
        (299, True),
        (199, False),
        (301, False),
        (404, False),
        (None, False),
    ],
)
def test_any_success_is_a_delivery_and_a_redirect_is_none(
    status: int | None, delivered: bool
) -> None:
    assert is_delivered(status) is delivered
