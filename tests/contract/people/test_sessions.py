"""Logins last as long as they are used, and end when a token of theirs is used twice."""

from collections.abc import Callable

import pytest

from api.accounts.redis_sessions import RedisSessions
from api.accounts.sessions import Begun, Reused, new_refresh_token
from api.accounts.users import User
from tests.contract.people.conftest import TIMES, Place
from workers.connections.calls import text

Someone = Callable[..., User]


def refreshed(place: Place, token: str) -> Begun:
    found = place.sessions.refresh(token)
    assert isinstance(found, Begun)
    return found


def test_a_session_tells_whose_it_is_and_is_listed(place: Place, begun: Begun) -> None:
    standing = place.sessions.look(begun.session_id)
    (session,) = place.sessions.of_user(begun.user.id)

    assert standing is not None
    assert (standing.user_id, standing.role) == (begun.user.id, "user")
    assert (session.id, session.user_id) == (begun.session_id, begun.user.id)
    assert (session.device, session.address) == ("curl/8", "192.0.2.7")
    assert (session.created_ms, session.expires_ms) == (place.now_ms, begun.expires_ms)


def test_the_store_has_no_token(place: Place, begun: Begun) -> None:
    reads = {"hash": "hgetall", "zset": "zscan", "string": "get", "set": "smembers"}

    stored = {
        key: str(getattr(place.client, reads[text(place.client.type(key))])(key))
        for key in place.client.scan_iter("*")
    }

    assert "192.0.2.7" in str(stored)
    assert begun.refresh_token[-43:] not in str(stored)


def test_the_last_use_is_noted_by_the_minute(place: Place, begun: Begun) -> None:
    def last_ms() -> int:
        return place.sessions.of_user(begun.user.id)[0].last_ms

    started_ms = place.now_ms
    place.advance(30)
    place.sessions.look(begun.session_id)
    assert last_ms() == started_ms

    place.advance(31)
    place.sessions.look(begun.session_id)
    assert last_ms() == place.now_ms


def test_a_session_ends_when_it_is_not_refreshed(place: Place, begun: Begun) -> None:
    place.advance(TIMES.plain_seconds)

    assert place.sessions.look(begun.session_id) is None
    assert place.sessions.refresh(begun.refresh_token) is None
    assert place.sessions.of_user(begun.user.id) == ()


def test_a_remembered_session_lasts_longer(place: Place, someone: Someone) -> None:
    begun = place.sessions.begin(someone(), remembered=True, device="", address="")
    assert begun is not None

    place.advance(TIMES.remembered_seconds - 1)

    assert place.sessions.look(begun.session_id) is not None
    assert begun.expires_ms == place.now_ms + 1000


def test_no_session_lasts_for_ever(place: Place, begun: Begun) -> None:
    started_ms = place.now_ms
    token = begun.refresh_token
    while (place.now_ms - started_ms) / 1000 < TIMES.longest_seconds - TIMES.plain_seconds:
        place.advance(TIMES.plain_seconds - 1)
        token = refreshed(place, token).refresh_token

    last = refreshed(place, token)
    assert last.expires_ms == started_ms + TIMES.longest_seconds * 1000
    place.now_ms = last.expires_ms
    assert place.sessions.look(begun.session_id) is None


def test_a_refresh_gives_another_token_and_the_user_as_it_is_now(
    place: Place, begun: Begun
) -> None:
    place.users.set_standing(begun.user.id, role="premium")
    place.advance(100)

    found = refreshed(place, begun.refresh_token)

    assert found.session_id == begun.session_id
    assert found.refresh_token != begun.refresh_token
    assert found.user.role == "premium"
    assert found.expires_ms == place.now_ms + TIMES.plain_seconds * 1000


def test_an_old_token_ends_the_session_for_everybody(place: Place, begun: Begun) -> None:
    new = refreshed(place, begun.refresh_token)
    place.advance(TIMES.grace_seconds + 1)

    found = place.sessions.refresh(begun.refresh_token)

    assert found == Reused(session_id=begun.session_id, user_id=begun.user.id)
    assert place.sessions.refresh(new.refresh_token) is None
    assert place.sessions.look(begun.session_id) is None
    assert place.sessions.refresh(begun.refresh_token) is None


def test_two_refreshes_at_once_log_nobody_out(place: Place, begun: Begun) -> None:
    first = refreshed(place, begun.refresh_token)
    place.advance(TIMES.grace_seconds)
    second = refreshed(place, begun.refresh_token)
    place.advance(60)

    # The client keeps either.
    third = refreshed(place, second.refresh_token)

    assert len({first.refresh_token, second.refresh_token, third.refresh_token}) == 3
    assert place.sessions.look(begun.session_id) is not None


def test_a_thief_who_is_quick_is_found_at_the_next_refresh(place: Place, begun: Begun) -> None:
    owner = refreshed(place, begun.refresh_token)
    thief = refreshed(place, begun.refresh_token)
    place.advance(60)
    refreshed(place, thief.refresh_token)
    place.advance(60)

    found = place.sessions.refresh(owner.refresh_token)

    assert isinstance(found, Reused)
    assert place.sessions.look(begun.session_id) is None


def test_a_token_two_generations_old_is_no_lost_answer(place: Place, begun: Begun) -> None:
    second = refreshed(place, begun.refresh_token)
    refreshed(place, second.refresh_token)

    assert isinstance(place.sessions.refresh(begun.refresh_token), Reused)


def test_tokens_can_t_be_collected_within_the_grace_time(place: Place, begun: Begun) -> None:
    found = [place.sessions.refresh(begun.refresh_token) for _ in range(102)]

    assert all(isinstance(one, Begun) for one in found[:100])
    assert isinstance(found[100], Reused)
    assert found[101] is None


@pytest.mark.parametrize("token", ["", "x", "fs_refresh_1_2", "fs_live_" + "0" * 76])
def test_what_is_no_token_is_refused(place: Place, token: str) -> None:
    assert place.sessions.refresh(token) is None


def test_a_guess_at_a_token_does_not_end_the_session(place: Place, begun: Begun) -> None:
    assert place.sessions.refresh(new_refresh_token(begun.session_id)) is None

    assert place.sessions.look(begun.session_id) is not None


def test_old_tokens_are_forgotten_some_day(place: Place, begun: Begun) -> None:
    tokens = f"fs:{{accounts}}:tokens:{begun.session_id}"
    place.client.zadd(tokens, {f"old{number}": -number for number in range(1, 2000)})
    place.client.zadd(tokens, {"older": -1500})

    refreshed(place, begun.refresh_token)

    assert place.client.zcard(tokens) < 1002


def test_the_session_beyond_the_most_ends_an_old_one(place: Place, someone: Someone) -> None:
    user = someone()
    begun = []
    for _ in range(TIMES.most + 1):
        started = place.sessions.begin(user, remembered=False, device="", address="")
        assert started is not None
        begun.append(started.session_id)
        place.advance(1)

    alive = [session.id for session in place.sessions.of_user(user.id)]

    assert sorted(alive) == sorted(begun[1:])
    assert place.sessions.look(begun[0]) is None


def test_a_user_ends_own_sessions_only(place: Place, begun: Begun, someone: Someone) -> None:
    stranger = someone("mallory@example.com")

    assert not place.sessions.end(stranger.id, begun.session_id)
    assert place.sessions.look(begun.session_id) is not None
    assert place.sessions.end(begun.user.id, begun.session_id)
    assert not place.sessions.end(begun.user.id, begun.session_id)
    assert place.sessions.look(begun.session_id) is None


def test_all_sessions_end_but_one(place: Place, begun: Begun) -> None:
    others = [
        place.sessions.begin(begun.user, remembered=False, device="", address="") for _ in range(2)
    ]

    ended = place.sessions.end_all(begun.user.id, spared=begun.session_id)

    assert sorted(ended) == sorted(one.session_id for one in others if one)
    assert place.sessions.look(begun.session_id) is not None


def test_sessions_leave_nothing_behind(place: Place, begun: Begun) -> None:
    refreshed(place, begun.refresh_token)

    place.sessions.end_all(begun.user.id)

    left = {key.rpartition(b":")[0] for key in place.client.scan_iter("*")}
    assert left == {b"fs:{accounts}", b"fs:{accounts}:user"}


def test_sessions_expire_in_the_store_by_themselves(place: Place, begun: Begun) -> None:
    place.sessions.look(begun.session_id)

    for key in ("session", "tokens"):
        left_ms = place.client.pttl(f"fs:{{accounts}}:{key}:{begun.session_id}")
        assert 0 < left_ms <= TIMES.plain_seconds * 1000


def test_two_gateways_see_the_same_sessions(place: Place, begun: Begun) -> None:
    other = RedisSessions(place.client, TIMES, clock_ms=lambda: place.now_ms)

    assert other.look(begun.session_id) is not None
    assert isinstance(other.refresh(begun.refresh_token), Begun)
