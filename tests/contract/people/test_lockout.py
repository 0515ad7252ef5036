"""Guessing gets slower, for accounts that exist and for those that don't."""

import pytest

from api.accounts.lockout import MayTry, MustWait, address_mark
from tests.contract.people.conftest import Place

ADA = "ada@example.com"
HOME = "192.0.2.7"


def try_often(place: Place, times: int, *, email: str = ADA, address: str = HOME) -> list[int]:
    """What is left after each attempt; each must have been let through."""
    found = [place.lockout.begin(email, address) for _ in range(times)]
    assert all(isinstance(one, MayTry) for one in found)
    return [one.attempts_remaining for one in found if isinstance(one, MayTry)]


def waits(place: Place, *, email: str = ADA, address: str = HOME) -> float:
    found = place.lockout.begin(email, address)
    return found.seconds if isinstance(found, MustWait) else 0


def test_after_some_failures_the_next_has_to_wait(place: Place) -> None:
    assert try_often(place, 3) == [2, 1, 0]

    assert waits(place) == 2
    assert waits(place, email="ADA@Example.COM", address="198.51.100.1") == 2


def test_each_further_failure_doubles_the_wait_up_to_a_longest(place: Place) -> None:
    try_often(place, 3)
    seen = []
    for number in range(7):
        seen.append(waits(place, address=f"198.51.100.{number}"))
        place.advance(seen[-1])
        try_often(place, 1, address=f"198.51.100.{number}")

    assert seen == [2, 4, 8, 16, 32, 60, 60]


def test_who_asks_while_waiting_does_not_wait_longer(place: Place) -> None:
    try_often(place, 3)

    for _ in range(20):
        waits(place)

    place.advance(2)
    assert try_often(place, 1) == [0]


def test_a_success_forgets_the_account_s_failures(place: Place) -> None:
    try_often(place, 3)

    place.lockout.succeeded(ADA, HOME)

    assert try_often(place, 1) == [2]


def test_an_attempt_that_is_withdrawn_proves_nothing_about_others(place: Place) -> None:
    try_often(place, 1)
    try_often(place, 1)
    place.lockout.withdraw(ADA, HOME)

    assert try_often(place, 1) == [1]


def test_an_address_that_tries_many_accounts_has_to_wait(place: Place) -> None:
    for number in range(6):
        try_often(place, 1, email=f"user{number}@example.com")

    assert waits(place, email="another@example.com") == 2
    assert waits(place, email="another@example.com", address="198.51.100.1") == 0


def test_logins_to_an_own_account_buy_no_guesses(place: Place) -> None:
    for number in range(5):
        try_often(place, 1, email=f"user{number}@example.com")
        try_often(place, 1, email="own@example.com")
        place.lockout.succeeded("own@example.com", HOME)
    try_often(place, 1, email="last@example.com")

    assert waits(place, email="own@example.com") == 2
    place.advance(2)
    try_often(place, 1, email="own@example.com")
    place.lockout.succeeded("own@example.com", HOME)
    assert waits(place, email="another@example.com") == 4


def test_many_people_behind_an_address_don_t_wait_for_each_other(place: Place) -> None:
    for number in range(5):
        try_often(place, 1, email=f"user{number}@example.com")

    for number in range(20):
        try_often(place, 1, email=f"honest{number}@example.com")
        place.lockout.succeeded(f"honest{number}@example.com", HOME)

    assert waits(place) == 0


def test_failures_are_forgotten_one_by_one(place: Place) -> None:
    try_often(place, 3)
    place.advance(1200)

    # The rule forgets three an hour.
    assert try_often(place, 1) == [0]
    place.advance(2401)
    assert try_often(place, 1) == [1]


def test_failures_leave_the_store_in_the_end(place: Place) -> None:
    try_often(place, 2)

    left = [place.client.pttl(key) for key in place.client.scan_iter("*")]

    assert len(left) == 2
    assert all(0 < left_ms <= 3_600_000 for left_ms in left)


def test_no_address_stands_in_a_key(place: Place) -> None:
    try_often(place, 1)

    keys = b" ".join(place.client.scan_iter("*"))

    assert b"ada" not in keys
    assert HOME.encode() not in keys


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9"),
        ("192.0.2.7", "::ffff:192.0.2.7"),
    ],
)
def test_addresses_of_one_customer_are_one(one: str, other: str) -> None:
    assert address_mark(one) == address_mark(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("2001:db8:1:2::1", "2001:db8:1:3::1"), ("192.0.2.7", "192.0.2.8"), ("", "192.0.2.7")],
)
def test_addresses_of_two_customers_are_two(one: str, other: str) -> None:
    assert address_mark(one) != address_mark(other)
