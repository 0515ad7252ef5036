"""Sealing bytes with a key: AES-256-GCM. The only user of `cryptography`."""

import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from workers.identities.errors import SealBroken

#: Before every sealed text: the format's number, then the nonce. Random nonces of 96 bits are good
#: for 2^32 seals under one key (NIST SP 800-38D, 8.3); a leaf seals some hundreds.
_FORMAT = b"\x01"
_NONCE_BYTES = 12
_TAG_BYTES = 16
#: How much longer what is sealed is than what is not.
SEAL_BYTES = len(_FORMAT) + _NONCE_BYTES + _TAG_BYTES


def seal_with(key: bytes, plain: bytes, *, context: str) -> bytes:
    """Encrypt.

    Args:
        key: 32 bytes.
        plain: Less than 2 GiB.
        context: What is authenticated beside it: where it belongs.
    """
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return _FORMAT + nonce + AESGCM(key).encrypt(nonce, plain, context.encode())


def open_with(key: bytes, sealed: bytes, *, context: str) -> bytes:
    """What was encrypted.

    Raises:
        SealBroken: it was changed, or sealed with another key or for another context.
    """
    if len(sealed) < SEAL_BYTES or not sealed.startswith(_FORMAT):
        raise SealBroken
    nonce = sealed[1 : 1 + _NONCE_BYTES]
    try:
        return AESGCM(key).decrypt(nonce, memoryview(sealed)[1 + _NONCE_BYTES :], context.encode())
    except InvalidTag:
        raise SealBroken from None
