"""Passwords: what is taken, how they are hashed, and that nobody's takes as long."""

import threading
from dataclasses import replace

import pytest
from argon2.profiles import CHEAPEST

from api.accounts.errors import HashingBusy
from api.accounts.opening import open_passwords
from api.accounts.password_rules import WeakPassword, check_password
from api.accounts.passwords import Passwords
from workers.settings.process import Settings

EMAIL = "grace.hopper@example.com"


@pytest.fixture
def passwords() -> Passwords:
    return Passwords(CHEAPEST, at_once=1, wait_seconds=0.05)


@pytest.mark.parametrize(
    "password",
    [
        "correct Horse 7",
        "Tr0ub4dor&3",
        "four plain words together",
        "пароль Длинный 9",
        "grace.hopper likes Cobol 59",
        "x" * 3 + "abcdefghijklmnopq" * 7,
    ],
)
def test_good_passwords_are_taken(password: str) -> None:
    check_password(password, email=EMAIL)


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("Sh0rt!a", "8 to 128"),
        ("aA1!" * 33, "8 to 128"),
        ("alllowercase", "three of"),
        ("12345678901", "three of"),
        ("aaaaaaaaaaaaaaaaaaaaaaaa", "different"),
        ("Password1!", "first that are tried"),
        ("P@ssw0rd2024", "first that are tried"),
        ("!!Football99", "first that are tried"),
        ("Summer2026!", "first that are tried"),
        ("TrustNo1!", "first that are tried"),
        ("Grace.Hopper@example.com", "e-mail"),
        ("Grace.Hopper1", "e-mail"),
        ("correct\nHorse 7", "control"),
    ],
)
def test_weak_passwords_are_refused_with_the_reason(password: str, why: str) -> None:
    with pytest.raises(WeakPassword, match=why) as refused:
        check_password(password, email=EMAIL)

    assert password not in str(refused.value)


def test_a_password_is_right_or_wrong(passwords: Passwords) -> None:
    stored = passwords.hash("correct Horse 7")

    assert stored.startswith("$argon2id$v=19$")
    assert "Horse" not in stored
    assert passwords.hash("correct Horse 7") != stored
    assert passwords.verify(stored, "correct Horse 7")
    assert not passwords.verify(stored, "correct Horse 8")


def test_letters_are_the_same_however_they_are_composed(passwords: Passwords) -> None:
    assert passwords.verify(passwords.hash("cafe\u0301 Noir 7"), "caf\u00e9 Noir 7")


@pytest.mark.parametrize("stored", [None, "", "plain text"])
def test_no_password_is_right_without_a_hash(passwords: Passwords, stored: str | None) -> None:
    assert not passwords.verify(stored, "")
    assert not passwords.verify(stored, "correct Horse 7")


def test_a_very_long_password_is_wrong_and_costs_no_more(passwords: Passwords) -> None:
    assert not passwords.verify(passwords.hash("x"), "x" * 1_000_000)


class Watched(Passwords):
    """Counts the hashes that are compared."""

    def __init__(self) -> None:
        super().__init__(CHEAPEST, at_once=1, wait_seconds=1)
        self.compared = 0
        hasher = self._hasher

        class Counting:
            hash = hasher.hash

            @staticmethod
            def verify(stored: str, password: str) -> bool:
                self.compared += 1
                return hasher.verify(stored, password)

        self._hasher = Counting()  # type: ignore[assignment]  # as much of it as is used


def test_somebody_nobody_knows_costs_the_same_work() -> None:
    watched = Watched()
    stored = watched.hash("correct Horse 7")

    for hashed in (stored, None, "", stored):
        watched.verify(hashed, "wrong")

    assert watched.compared == 4


def test_beyond_a_few_at_a_time_nobody_waits_for_long(passwords: Passwords) -> None:
    entered, leave = threading.Event(), threading.Event()

    def hold() -> None:
        with passwords._turn():
            entered.set()
            leave.wait(timeout=60)

    holder = threading.Thread(target=hold)
    holder.start()
    entered.wait(timeout=60)
    try:
        with pytest.raises(HashingBusy):
            passwords.hash("correct Horse 7")
    finally:
        leave.set()
        holder.join()

    assert passwords.hash("correct Horse 7")


def test_hashes_made_with_less_are_outdated(passwords: Passwords) -> None:
    stronger = Passwords(replace(CHEAPEST, time_cost=2), at_once=1, wait_seconds=1)

    stored = passwords.hash("correct Horse 7")

    assert not passwords.is_outdated(stored)
    assert stronger.is_outdated(stored)
    assert stronger.verify(stored, "correct Horse 7")


def test_the_default_is_what_the_rfc_recommends_for_little_memory() -> None:
    stored = open_passwords(Settings()).hash("correct Horse 7")

    assert "$m=65536,t=3,p=4$" in stored
