"""Calls by user, day, endpoint and key."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date

from api.accounts.usage import Call, Tally, sum_of
from tests.contract.credentials.conftest import Place

MONDAY, TUESDAY = date(2026, 3, 30), date(2026, 3, 31)


def _count(place: Place, day: date, **changed: object) -> None:
    members = {"user_id": "user_1", "endpoint": "GET /a", "key_id": "", "succeeded": True}
    place.usage.count(Call(**{**members, **changed}), day, key_used_ms=None)  # type: ignore[arg-type]


def test_calls_are_counted_by_day_endpoint_and_key(place: Place) -> None:
    _count(place, MONDAY)
    _count(place, MONDAY, endpoint="POST /b", succeeded=False, key_id="key_1")
    _count(place, TUESDAY, key_id="key_1")
    _count(place, TUESDAY, user_id="user_2")

    found = place.usage.by_date("user_1", MONDAY, date(2026, 4, 1))

    assert found == {
        MONDAY: Tally(
            total=2, failed=1, by_endpoint={"GET /a": 1, "POST /b": 1}, by_key={"key_1": 1}
        ),
        TUESDAY: Tally(total=1, by_endpoint={"GET /a": 1}, by_key={"key_1": 1}),
        date(2026, 4, 1): Tally(),
    }
    assert sum_of(found) == Tally(
        total=3, failed=1, by_endpoint={"GET /a": 2, "POST /b": 1}, by_key={"key_1": 2}
    )


def test_counts_of_many_at_once_are_exact(place: Place) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: _count(place, MONDAY, key_id="key_1"), range(200)))

    [tally] = place.usage.by_date("user_1", MONDAY, MONDAY).values()
    assert (tally.total, tally.by_endpoint, tally.by_key) == (200, {"GET /a": 200}, {"key_1": 200})


def test_counts_go_when_their_time_is_over(place: Place) -> None:
    _count(place, MONDAY)

    [key] = place.client.keys("fs:{accounts}:usage:*")
    assert 0 < place.client.ttl(key) <= 2 * 86_400


def test_the_use_of_a_key_is_noted_in_the_same_call_and_brings_no_key_back(place: Place) -> None:
    made = place.add_key()
    call = Call(user_id="user_1", endpoint="GET /a", key_id=made.id, succeeded=True)
    place.usage.count(call, MONDAY, key_used_ms=1_700_000_000_123)
    gone = Call(user_id="user_1", endpoint="GET /a", key_id="key_gone", succeeded=True)
    place.usage.count(gone, MONDAY, key_used_ms=1)

    assert place.keys.get("user_1", made.id).last_used_ms == 1_700_000_000_123
    assert place.keys.find("key_gone") is None
