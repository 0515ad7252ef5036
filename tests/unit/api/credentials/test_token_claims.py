"""What an access token says: other claims, times and shapes are refused."""

import hashlib
import json
from collections.abc import Callable

import pytest

from api.accounts.errors import CredentialExpired
from api.accounts.sealing import Seal
from api.accounts.tokens import AUDIENCE, ISSUER, LEEWAY_SECONDS
from tests.unit.api.credentials.forge import SECRET, TOKEN_SECONDS, Forge, decoded, encoded, part


def test_a_real_token_is_taken_and_says_what_it_was_given(forge: Forge) -> None:
    claims = forge.issuer.verify(forge.issue())

    assert (claims.user_id, claims.role, claims.session_id) == ("user_1", "user", "session_1")
    assert claims.expires_ms == (forge.now_ms // 1000 + TOKEN_SECONDS) * 1000


def test_it_carries_what_clients_read_and_nothing_secret(forge: Forge) -> None:
    header, claims, _ = forge.issue().split(".")

    assert decoded(header) == forge.header()
    assert decoded(claims)["permissions"] == [
        *("account:manage", "face:analyze", "identity:manage", "identity:read")
    ]
    assert decoded(claims)["exp"] - decoded(claims)["iat"] == TOKEN_SECONDS


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("iss", None),
        ("iss", "facesocial"),
        ("iss", ISSUER + "/"),
        ("iss", [ISSUER]),
        ("aud", None),
        ("aud", "other-service"),
        ("aud", [AUDIENCE, "other-service"]),
        ("aud", {}),
        ("sub", None),
        ("sub", ""),
        ("sub", 7),
        ("sid", None),
        ("sid", ""),
        ("sid", ["session_1"]),
        ("role", None),
        ("role", "root"),
        ("role", ["admin"]),
        ("exp", None),
        ("exp", "9999999999"),
        ("exp", True),
        ("exp", 1e300),
        ("exp", [1]),
    ],
)
def test_a_claim_that_is_not_ours_is_refused_whoever_signed(
    forge: Forge, name: str, value: object
) -> None:
    assert forge.refuses(forge.signed(forge.header(), forge.claims(**{name: value}), forge.key.key))


def test_an_expired_token_is_told_so(own_forge: Forge) -> None:
    token = own_forge.issue()

    own_forge.now_ms += (TOKEN_SECONDS + LEEWAY_SECONDS - 1) * 1000
    own_forge.issuer.verify(token)
    own_forge.now_ms += 1000

    with pytest.raises(CredentialExpired):
        own_forge.issuer.verify(token)


def test_an_expired_token_with_a_bad_signature_is_just_invalid(own_forge: Forge) -> None:
    head, _, signature = own_forge.issue().rpartition(".")
    changed = f"{head}.{encoded(hashlib.sha256(signature.encode()).digest())}"
    own_forge.now_ms += 2 * TOKEN_SECONDS * 1000

    assert own_forge.refuses(changed)


def test_another_s_payload_under_our_signature_is_refused(forge: Forge) -> None:
    header, _, signature = forge.issue().split(".")

    assert forge.refuses(f"{header}.{part(forge.claims(role='admin'))}.{signature}")


@pytest.mark.parametrize(
    "make",
    [
        lambda token: token + ".x",
        lambda token: token.rpartition(".")[0],
        lambda token: token.replace(".", "..", 1),
        lambda token: "." + token,
        lambda token: " " + token,
        lambda token: token + "\n",
        lambda token: token + "=" * 5000,
        lambda token: "é" + token[1:],
        lambda _: "",
        lambda _: "..",
        lambda _: "a.b.c",
        lambda _: "e30.e30.",
        lambda _: encoded(b"[" * 3000) + ".e30.x",
        lambda _: encoded(b"\xff\xfe") + ".e30.x",
        lambda _: encoded(b'{"alg":"RS256","alg":"none","kid":"x","typ":"at+jwt"}') + ".e30.x",
        lambda _: encoded(b"null") + ".e30.x",
        lambda _: encoded(b'"at+jwt"') + ".e30.x",
    ],
)
def test_what_is_no_token_is_refused_without_a_fault(
    forge: Forge, make: Callable[[str], str]
) -> None:
    assert forge.refuses(make(forge.issue()))


def test_an_encrypted_token_is_none_of_ours(forge: Forge) -> None:
    assert forge.refuses(Seal(SECRET, purpose="signing keys").close(json.dumps(forge.claims())))
