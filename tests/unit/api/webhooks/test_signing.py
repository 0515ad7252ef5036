"""Signatures: ours, the specification's own library, and our client agree."""

import base64
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook as Reference

from api.webhooks.signing import new_secret, signature
from client.errors import SignatureWrong
from client.webhooks import verify

NOW = 1_800_000_000


def _headers(secrets: list[str], body: bytes, *, at: int = NOW) -> dict[str, str]:
    return {
        "Webhook-Id": "msg_1",
        "webhook-timestamp": str(at),
        "webhook-signature": signature(
            secrets, delivery_id="msg_1", timestamp_seconds=at, body=body
        ),
    }


@given(st.text().map(lambda text: text.encode("utf-8", "replace")))
def test_the_reference_signs_the_same(body: bytes) -> None:
    secret = new_secret()

    ours = signature([secret], delivery_id="msg_1", timestamp_seconds=NOW, body=body)

    at = datetime.fromtimestamp(NOW, tz=UTC)
    assert ours == Reference(secret).sign("msg_1", at, body.decode())


def test_a_secret_has_the_length_and_form_of_the_specification() -> None:
    secret = new_secret()

    assert secret.startswith("whsec_")
    assert 24 <= len(base64.b64decode(secret.removeprefix("whsec_"))) <= 64
    assert new_secret() != secret


def test_the_client_believes_what_is_signed_with_any_of_the_secrets() -> None:
    old, new = new_secret(), new_secret()
    body = b'{"type":"job.succeeded"}'
    headers = _headers([new, old], body)

    for secret in (old, new):
        assert verify(secret, headers, body, now_seconds=NOW) == {"type": "job.succeeded"}


@pytest.mark.parametrize(
    "spoil",
    [
        lambda headers: headers | {"Webhook-Id": "msg_2"},
        lambda headers: headers | {"webhook-timestamp": str(NOW + 1)},
        lambda headers: headers | {"webhook-signature": ""},
        lambda headers: headers | {"webhook-signature": "v1,AAAA v1a,BBBB v1,é"},
        lambda headers: headers | {"webhook-timestamp": "now"},
        lambda headers: headers | {"Webhook-Id": ""},
    ],
)
def test_the_client_does_not_believe_anything_that_was_changed(spoil: object) -> None:
    secret, body = new_secret(), b"{}"
    assert callable(spoil)

    with pytest.raises(SignatureWrong):
        verify(secret, spoil(_headers([secret], body)), body, now_seconds=NOW)


def test_the_client_does_not_believe_another_body_secret_or_time() -> None:
    secret, body = new_secret(), b"{}"
    headers = _headers([secret], body)

    with pytest.raises(SignatureWrong):
        verify(secret, headers, b"[]", now_seconds=NOW)
    with pytest.raises(SignatureWrong):
        verify(new_secret(), headers, body, now_seconds=NOW)
    for off in (-301, 301):
        with pytest.raises(SignatureWrong):
            verify(secret, headers, body, now_seconds=NOW + off)
