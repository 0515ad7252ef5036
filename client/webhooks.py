"""Is this webhook from the gateway? Checks the signature of Standard Webhooks.

from client.webhooks import verify

event = verify(secret, request.headers, request.body)
"""

import base64
import hmac
import json
import time
from collections.abc import Mapping
from typing import Any

from client.errors import SignatureWrong

#: Older or newer messages are refused, so that nobody can send an old one again.
TOLERANCE_SECONDS = 5 * 60


def verify(
    secret: str,
    headers: Mapping[str, str],
    body: bytes,
    *,
    tolerance_seconds: float = TOLERANCE_SECONDS,
    now_seconds: float | None = None,
) -> dict[str, Any]:
    """The event, if it is one of ours.

    Args:
        secret: "whsec_..." as the gateway told it.
        headers: Of the request, whatever their case.
        body: As received, before any parsing.
        tolerance_seconds: How far its time may be from ours.
        now_seconds: Since 1970; the clock's when not given.

    Returns:
        `type`, `timestamp` and `data`. The header `webhook-id` is the same for repetitions.

    Raises:
        SignatureWrong: it is not signed with the secret, or its time is too far off.
    """
    given = {name.lower(): value for name, value in headers.items()}
    message_id, timestamp = given.get("webhook-id", ""), given.get("webhook-timestamp", "")
    if not message_id or not timestamp.isascii() or not timestamp.isdigit():
        raise SignatureWrong("The headers webhook-id and webhook-timestamp are missing.")
    now = time.time() if now_seconds is None else now_seconds
    if abs(now - int(timestamp)) > tolerance_seconds:
        raise SignatureWrong(f"The message's time is more than {tolerance_seconds:g} s off.")
    expected = hmac.digest(_key(secret), f"{message_id}.{timestamp}.".encode() + body, "sha256")
    if not any(
        hmac.compare_digest(expected, found)
        for found in _signatures(given.get("webhook-signature", ""))
    ):
        raise SignatureWrong("No signature of the message was made with this secret.")
    event: dict[str, Any] = json.loads(body)
    return event


def _signatures(header: str) -> list[bytes]:
    found = []
    for part in header.split():
        version, _, text = part.partition(",")
        if version == "v1":
            try:
                found.append(base64.b64decode(text, validate=True))
            except ValueError:  # no base64, or not even ASCII
                continue
    return found


def _key(secret: str) -> bytes:
    try:
        return base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except ValueError:
        raise SignatureWrong("The secret is not one of a FaceSocial gateway.") from None
