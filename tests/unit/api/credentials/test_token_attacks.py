"""Access tokens with other signatures, keys and headers than ours: all refused."""

import functools
import hmac
import json
from typing import Any

import pytest
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from api.accounts.key_ring import Algorithm
from api.accounts.tokens import TokenIssuer
from tests.unit.api.credentials.forge import Forge, encoded, part

#: joserfc signs with them when it is told to.
WARNING = "ignore::joserfc.errors.SecurityWarning"


def test_a_token_signed_by_the_ring_with_our_claims_is_taken_so_that_refusals_mean_something(
    forge: Forge,
) -> None:
    assert not forge.refuses(forge.signed(forge.header(), forge.claims(), forge.key.key))


@pytest.mark.parametrize("name", ["none", "None", "NONE", "nOnE", ""])
def test_no_signature_is_no_signature(forge: Forge, name: str) -> None:
    body = f"{part(forge.header(alg=name))}.{part(forge.claims(role='admin'))}"

    for signature in ("", encoded(b"x"), forge.issue().rpartition(".")[2]):
        assert forge.refuses(f"{body}.{signature}")


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
def test_the_public_key_is_no_shared_secret(forge: Forge, algorithm: str) -> None:
    """The classic: a verifier that believes the header takes the public key for an HMAC key."""
    key = forge.key.key
    secrets = [
        key.as_pem(private=False),
        key.as_pem(private=False).strip(),
        key.as_der(private=False),
        json.dumps(forge.public).encode(),
        json.dumps(forge.public, separators=(",", ":")).encode(),
        forge.public.get("n", forge.public.get("x", "")).encode(),
    ]
    body = f"{part(forge.header(alg=algorithm))}.{part(forge.claims(role='admin'))}"

    for secret in secrets:
        digest = hmac.digest(secret, body.encode(), f"sha{algorithm[2:]}")
        assert forge.refuses(f"{body}.{encoded(digest)}")


@pytest.mark.filterwarnings(WARNING)
def test_the_key_s_algorithm_counts_and_not_the_header_s(forge: Forge) -> None:
    others: dict[str, list[tuple[str, Any]]] = {
        "RS256": [("RS384", forge.key.key), ("RS512", forge.key.key), ("PS256", forge.key.key)],
        "Ed25519": [("EdDSA", forge.key.key)],
    }
    others[forge.key.algorithm] += [("ES256", ECKey.generate_key("P-256"))]

    for algorithm, key in others[forge.key.algorithm]:
        assert forge.refuses(forge.signed(forge.header(alg=algorithm), forge.claims(), key))


@functools.cache
def _same_kind(algorithm: Algorithm) -> RSAKey | OKPKey:
    return RSAKey.generate_key(2048) if algorithm == "RS256" else OKPKey.generate_key("Ed25519")


def test_another_key_under_our_id_is_refused(forge: Forge) -> None:
    assert forge.refuses(
        forge.signed(forge.header(), forge.claims(), _same_kind(forge.key.algorithm))
    )


@pytest.mark.parametrize(
    "kid",
    [
        "unknown",
        "",
        "../../../dev/null",
        "/dev/null",
        "x' OR '1'='1",
        "fs:{accounts}:signing_keys",
        "*",
        "\x00",
        "k" * 2000,
        0,
        True,
        [],
        {},
        None,
    ],
)
def test_ids_of_keys_are_looked_up_in_the_ring_and_nowhere_else(forge: Forge, kid: object) -> None:
    """Injections into the key's id, signed both with nothing and with a key of the attacker's."""
    header = forge.header(kid=kid)
    empty = OctKey.import_key(b"\0" * 32)
    body = f"{part(header)}.{part(forge.claims())}"
    digest = hmac.digest(empty.raw_value, body.encode(), "sha256")

    assert forge.refuses(f"{body}.{encoded(digest)}")
    assert forge.refuses(f"{body}.{forge.issue().rpartition('.')[2]}")


def test_a_key_sealed_by_a_stranger_s_gateway_is_not_signed_with(own_forge: Forge) -> None:
    """Another secret on the same store: its tokens are good, and its private part stays shut."""
    other = own_forge.ring_of(own_forge.key.algorithm, secret="t" * 32)
    theirs = TokenIssuer(other, token_seconds=60, now_ms=own_forge.clock)
    token = theirs.issue(user_id="user_2", role="user", session_id="session_2").text

    assert other.signing().id != own_forge.key.id
    assert own_forge.issuer.verify(token).user_id == "user_2"
    assert own_forge.ring.signing().id == own_forge.key.id


@pytest.mark.parametrize("name", ["jku", "x5u", "jwk", "x5c", "x5t", "crit", "b64", "zip", "cty"])
def test_a_header_that_brings_or_points_to_a_key_is_refused(forge: Forge, name: str) -> None:
    own = _same_kind(forge.key.algorithm)
    values: dict[str, object] = {
        "jku": "https://attacker.example/jwks.json",
        "x5u": "https://attacker.example/chain.pem",
        "jwk": own.as_dict(private=False),
        "x5c": ["MIIB"],
        "x5t": "thumbprint",
        "crit": ["exp"],
        "b64": False,
        "zip": "DEF",
        "cty": "JWT",
    }
    header = forge.header(**{name: values[name]})

    assert forge.refuses(forge.signed(header, forge.claims(), own))
    # Not even when our own key has signed it: we never make such a token.
    assert forge.refuses(forge.signed(header, forge.claims(), forge.key.key))


@pytest.mark.parametrize("kind", ["JWT", "dpop+jwt", "at+JWT", "logout+jwt", "", None])
def test_a_token_of_another_kind_is_refused(forge: Forge, kind: str | None) -> None:
    header = forge.header(typ=kind)

    assert forge.refuses(f"{part(header)}.{forge.issue().partition('.')[2]}")
    if kind:
        assert forge.refuses(forge.signed(header, forge.claims(), forge.key.key))


def test_any_changed_letter_breaks_a_token(forge: Forge) -> None:
    token = forge.issue()

    # The last letter of a part may carry bits that decode to nothing.
    for place in range(0, len(token), 7):
        if token[place] == "." or token[place + 1 : place + 2] in {".", ""}:
            continue
        letter = "A" if token[place] != "A" else "B"
        assert forge.refuses(token[:place] + letter + token[place + 1 :])


def test_dropping_the_ring_refuses_every_token_made_before(own_forge: Forge) -> None:
    token = own_forge.issue()

    own_forge.ring.rotate(drop=True)

    assert own_forge.refuses(token)
    assert not own_forge.refuses(own_forge.issue())
