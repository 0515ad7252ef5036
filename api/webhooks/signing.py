"""Signatures as Standard Webhooks has them: HMAC-SHA256 over `id.timestamp.body`.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import hmac
import secrets
from collections.abc import Sequence

PREFIX = "whsec_"
#: The specification allows 24 to 64 bytes.
SECRET_BYTES = 32


def new_secret() -> str:
    """A secret as its receiver is told it: "whsec_" and base64."""
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def signature(
    secrets_: Sequence[str], *, delivery_id: str, timestamp_seconds: int, body: bytes
) -> str:
    """The header `webhook-signature`: one signature for each secret, so that they can be rotated.

    Args:
        secrets_: As `new_secret` makes them.
        delivery_id: Sent as `webhook-id`.
        timestamp_seconds: Since 1970; sent as `webhook-timestamp`.
        body: As sent.
    """
    signed = f"{delivery_id}.{timestamp_seconds}.".encode() + body
    return " ".join(
        "v1," + base64.b64encode(hmac.digest(_key(secret), signed, "sha256")).decode()
        for secret in secrets_
    )


def _key(secret: str) -> bytes:
    return base64.b64decode(secret.removeprefix(PREFIX))
