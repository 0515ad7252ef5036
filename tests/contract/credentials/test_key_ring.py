"""Signing keys: one at a time signs, old ones verify until their tokens have expired."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from api.accounts.errors import CredentialInvalid
from api.accounts.key_ring import RELOAD_MS, KeyRing, NoSuchKey
from api.accounts.sealing import Seal
from api.accounts.tokens import TokenIssuer
from tests.contract.credentials.conftest import Place

SIGNING_SECONDS, TOKEN_SECONDS = 86_400, 600


def _ring(place: Place, *, secret: str = "s" * 32) -> KeyRing:
    """As another gateway process has it."""
    return KeyRing(
        place.ring,
        Seal(secret, purpose="signing keys"),
        algorithm="Ed25519",
        signing_seconds=SIGNING_SECONDS,
        token_seconds=TOKEN_SECONDS,
        now_ms=lambda: place.now_ms,
    )


def _issuer(place: Place, ring: KeyRing) -> TokenIssuer:
    return TokenIssuer(ring, token_seconds=TOKEN_SECONDS, now_ms=lambda: place.now_ms)


def _issue(place: Place, ring: KeyRing) -> str:
    issuer = _issuer(place, ring)
    return issuer.issue(user_id="user_1", role="user", session_id="session_1").text


def test_a_key_is_made_when_it_is_first_needed_and_kept(place: Place) -> None:
    first, second = _ring(place), _ring(place)

    assert first.signing().id == second.signing().id == first.signing().id
    assert [key["kid"] for key in second.published()] == [first.signing().id]


def test_processes_that_start_together_sign_with_one_key(place: Place) -> None:
    rings = [_ring(place) for _ in range(6)]

    with ThreadPoolExecutor(6) as pool:
        ids = set(pool.map(lambda ring: ring.signing().id, rings))

    assert len(ids) == 1
    assert len(place.ring.read()) == 1


def test_what_is_published_has_no_private_part(place: Place) -> None:
    ring = _ring(place)

    [published] = ring.published()

    assert set(published) == {"kty", "crv", "x", "kid", "alg", "use"}
    [stored] = place.ring.read()
    private = ring.signing().key.as_dict(private=True)["d"]
    assert str(private) not in stored.private
    assert "d" not in stored.public


def test_a_token_of_another_process_is_good_at_once(place: Place) -> None:
    """Also of a key that was made after this process looked last."""
    ours, theirs = _ring(place), _ring(place, secret="t" * 32)
    ours.signing()

    token = _issue(place, theirs)

    assert _issuer(place, ours).verify(token).user_id == "user_1"


def test_a_key_is_replaced_in_time_and_verifies_until_its_tokens_have_expired(
    place: Place,
) -> None:
    ring = _ring(place)
    old = ring.signing().id
    place.advance(SIGNING_SECONDS - 1)
    last = _issue(place, ring)
    place.advance(1)

    assert ring.signing().id != old
    assert {key["kid"] for key in ring.published()} == {old, ring.signing().id}
    assert _issuer(place, ring).verify(last).user_id == "user_1"
    place.advance(TOKEN_SECONDS + 2 * RELOAD_MS / 1000)
    with pytest.raises(NoSuchKey):
        ring.verifying(old)


def test_keys_whose_tokens_are_all_expired_are_deleted_by_the_next_one(place: Place) -> None:
    ring = _ring(place)
    ring.signing()
    place.advance(2 * SIGNING_SECONDS + 2 * TOKEN_SECONDS)

    ring.signing()

    assert [key.id for key in place.ring.read()] == [ring.signing().id]


def test_a_rotation_by_hand_reaches_other_processes_within_a_minute(place: Place) -> None:
    ours, theirs = _ring(place), _ring(place)
    old = theirs.signing().id
    token = _issue(place, theirs)
    place.advance(5)

    ours.rotate(drop=False)

    assert ours.signing().id != old
    place.advance(RELOAD_MS / 1000)
    assert theirs.signing().id == ours.signing().id
    assert _issuer(place, theirs).verify(token).user_id == "user_1"
    place.advance(TOKEN_SECONDS + 2 * RELOAD_MS / 1000)
    with pytest.raises(NoSuchKey):
        theirs.verifying(old)


def test_a_key_is_retired_once_and_not_later_by_another_rotation(place: Place) -> None:
    ring = _ring(place)
    old = ring.signing().id
    for _ in range(3):
        place.advance(TOKEN_SECONDS)
        ring.rotate(drop=False)

    with pytest.raises(NoSuchKey):
        ring.verifying(old)


def test_dropping_ends_every_token_and_everywhere_within_a_minute(place: Place) -> None:
    ours, theirs = _ring(place), _ring(place)
    token = _issue(place, theirs)

    ours.rotate(drop=True)

    with pytest.raises(CredentialInvalid):
        _issuer(place, ours).verify(token)
    place.advance(RELOAD_MS / 1000)
    with pytest.raises(CredentialInvalid):
        _issuer(place, theirs).verify(token)
    assert theirs.signing().id == ours.signing().id


def test_another_secret_has_a_key_of_its_own_and_both_are_published(place: Place) -> None:
    ours, theirs = _ring(place), _ring(place, secret="t" * 32)

    assert ours.signing().id != theirs.signing().id
    place.advance(RELOAD_MS / 1000)
    assert len(ours.published()) == len(theirs.published()) == 2


def test_known_keys_are_not_asked_for_again_within_the_minute(place: Place) -> None:
    ring = _ring(place)
    key_id = ring.signing().id
    place.client.flushall()

    place.advance(RELOAD_MS / 1000 - 1)
    assert ring.verifying(key_id).id == key_id
    place.advance(1)
    with pytest.raises(NoSuchKey):
        ring.verifying(key_id)
