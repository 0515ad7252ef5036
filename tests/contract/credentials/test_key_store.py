"""API keys: kept as hashes, found with what decides about their owner, ended at once."""

import dataclasses
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis

from api.accounts.errors import KeyEnded, KeyNotFound, TooManyKeys
from api.accounts.keys import id_in, is_secret_of, make_key
from api.accounts.records import KeyOwner
from api.accounts.redis_keys import ENDED_SECONDS
from api.principal import Scope
from tests.contract.credentials.conftest import NOTE, Place


def _everything(client: redis.Redis) -> str:
    """All that the server holds, as text."""
    values: list[object] = []
    for key in client.scan_iter():
        values.append(key)
        match client.type(key):
            case b"hash":
                values.append(client.hgetall(key))
            case b"stream":
                values.append(client.xrange(key))
            case _:
                values.append(client.zrange(key, 0, -1))
    return str(values)


def test_a_key_is_found_as_it_was_kept(place: Place) -> None:
    made = place.add_key(expires_ms=place.now_ms + 60_000)

    found = place.keys.find(made.id)

    assert found is not None
    assert found.key == place.keys.get("user_1", made.id)
    assert found.key.scopes == {Scope.ANALYZE, Scope.BATCH}
    assert (found.key.created_ms, found.key.expires_ms) == (place.now_ms, place.now_ms + 60_000)
    assert (found.key.last_used_ms, found.key.revoked_ms) == (None, None)
    assert is_secret_of(made.text, found, now_ms=place.now_ms)


def test_the_key_itself_is_nowhere(place: Place) -> None:
    made = place.add_key()
    again = make_key(made.id)
    place.keys.rotate("user_1", again, overlap_seconds=60, audit=NOTE)

    held = _everything(place.client)

    assert made.id in held
    for text in (made.text, again.text):
        assert text not in held
        assert text.split("_", 3)[3][:20] not in held


def test_keys_that_look_alike_are_not_the_same(place: Place) -> None:
    made = place.add_key()
    found = place.keys.find(made.id)
    assert found is not None

    assert id_in(made.text) == made.id
    for wrong in (make_key(made.id).text, made.text[:-1] + "-", made.text.upper(), ""):
        assert not is_secret_of(wrong, found, now_ms=place.now_ms)


def test_the_owner_s_role_and_state_come_with_the_key(place: Place) -> None:
    made = place.add_key()

    def owner() -> KeyOwner | None:
        found = place.keys.find(made.id)
        assert found is not None
        return found.owner

    assert owner() is None
    place.client.hset("fs:{accounts}:user:user_1", mapping={"role": "user", "status": "suspended"})

    assert owner() == KeyOwner(role="user", state="suspended")


def test_what_nobody_has_is_not_found(place: Place) -> None:
    made = place.add_key()
    unknown = make_key()

    assert place.keys.find(unknown.id) is None
    for call in (
        lambda: place.keys.get("user_1", unknown.id),
        lambda: place.keys.get("user_2", made.id),
        lambda: place.keys.revoke("user_2", made.id, audit=NOTE),
        lambda: place.keys.rotate("user_2", make_key(made.id), overlap_seconds=0, audit=NOTE),
        lambda: place.keys.revoke("user_1", unknown.id, audit=NOTE),
    ):
        with pytest.raises(KeyNotFound):
            call()
    assert place.keys.get("user_1", made.id).revoked_ms is None


def test_each_sees_only_his_own_newest_first(place: Place) -> None:
    first = place.add_key()
    place.advance(1)
    second = place.add_key()
    place.add_key("user_2")

    assert [key.id for key in place.keys.list("user_1")] == [second.id, first.id]
    assert place.keys.list("user_3") == []


def test_a_revoked_key_stays_revoked_and_can_be_seen_for_a_while(place: Place) -> None:
    made = place.add_key()

    place.keys.revoke("user_1", made.id, audit=NOTE)
    place.advance(5)
    place.keys.revoke("user_1", made.id, audit=NOTE)

    key = place.keys.get("user_1", made.id)
    assert key.revoked_ms == place.now_ms - 5000
    assert key.state(place.now_ms) == "revoked"
    ttl = place.client.ttl(f"fs:{{accounts}}:key:{made.id}")
    assert ENDED_SECONDS - 60 < ttl <= ENDED_SECONDS
    with pytest.raises(KeyEnded):
        place.keys.rotate("user_1", make_key(made.id), overlap_seconds=0, audit=NOTE)


def test_a_key_that_is_gone_leaves_the_list(place: Place) -> None:
    made = place.add_key()
    place.client.delete(f"fs:{{accounts}}:key:{made.id}")

    assert place.keys.list("user_1") == []
    assert place.client.zcard("fs:{accounts}:keys:user_1") == 0


def test_a_rotation_replaces_the_secret_and_nothing_else(place: Place) -> None:
    made = place.add_key()
    before = place.keys.get("user_1", made.id)
    again = make_key(made.id)

    after = place.keys.rotate("user_1", again, overlap_seconds=0, audit=NOTE)

    assert after == dataclasses.replace(before, hint=again.hint)
    found = place.keys.find(made.id)
    assert found is not None
    assert is_secret_of(again.text, found, now_ms=place.now_ms)
    assert not is_secret_of(made.text, found, now_ms=place.now_ms)


def test_with_an_overlap_both_secrets_are_taken_until_it_is_over(place: Place) -> None:
    made = place.add_key()
    again = make_key(made.id)
    place.keys.rotate("user_1", again, overlap_seconds=60, audit=NOTE)
    found = place.keys.find(made.id)
    assert found is not None

    for seconds, taken in ((0, True), (59.9, True), (60, False)):
        now_ms = place.now_ms + int(seconds * 1000)
        assert is_secret_of(made.text, found, now_ms=now_ms) is taken
        assert is_secret_of(again.text, found, now_ms=now_ms)


def test_revoking_ends_both_secrets(place: Place) -> None:
    made = place.add_key()
    place.keys.rotate("user_1", make_key(made.id), overlap_seconds=60, audit=NOTE)

    place.keys.revoke("user_1", made.id, audit=NOTE)

    found = place.keys.find(made.id)
    assert found is not None
    assert (found.previous_digest, found.key.previous_until_ms) == ("", None)
    assert found.key.state(place.now_ms) == "revoked"


def test_an_expired_key_can_t_be_rotated(place: Place) -> None:
    made = place.add_key(expires_ms=place.now_ms + 1000)
    place.advance(1)

    with pytest.raises(KeyEnded):
        place.keys.rotate("user_1", make_key(made.id), overlap_seconds=0, audit=NOTE)
    assert place.keys.get("user_1", made.id).state(place.now_ms) == "expired"


def test_only_keys_that_can_be_used_count_towards_the_limit(place: Place) -> None:
    first = place.add_key(most=2)
    place.add_key(most=2, expires_ms=place.now_ms + 1000)
    place.add_key("user_2", most=2)

    with pytest.raises(TooManyKeys):
        place.add_key(most=2)
    place.advance(1)
    place.add_key(most=2)
    with pytest.raises(TooManyKeys):
        place.add_key(most=2)
    place.keys.revoke("user_1", first.id, audit=NOTE)

    assert place.add_key(most=2).id


def test_many_at_once_stay_below_the_limit(place: Place) -> None:
    def add(_: int) -> bool:
        try:
            place.add_key(most=5)
        except TooManyKeys:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(add, range(20)))

    assert sum(made) == 5
    assert len(place.keys.list("user_1")) == 5


def test_a_repeated_step_is_one_step(place: Place) -> None:
    """A connection that breaks makes the client send a call again."""
    made = place.add_key()
    key = place.keys.get("user_1", made.id)
    again = make_key(made.id)

    for _ in range(2):
        assert place.keys.create(key, made.digest, most=1, audit=NOTE) == key
    for _ in range(2):
        place.keys.rotate("user_1", again, overlap_seconds=60, audit=NOTE)

    found = place.keys.find(made.id)
    assert found is not None
    assert is_secret_of(made.text, found, now_ms=place.now_ms)
    assert place.client.xlen("fs:{accounts}:audit") == 2


def test_what_changes_a_key_is_in_the_audit_log_in_the_same_step(place: Place) -> None:
    made = place.add_key()
    place.keys.rotate("user_1", make_key(made.id), overlap_seconds=0, audit=NOTE)
    place.keys.revoke("user_1", made.id, audit=NOTE)

    entries = place.audit.read(limit=10, before=None, user_id=None, action=None)

    assert [stored.entry for stored in entries] == [NOTE] * 3
