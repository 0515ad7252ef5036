"""Keeping secrets in the store so that only who knows the gateway's secret can read them."""

import hashlib
import hmac

from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

_HEADER = {"alg": "dir", "enc": "A256GCM"}


class SealBroken(Exception):
    """The text was sealed with another secret, for another purpose, or has been changed."""


class Seal:
    """Encrypts short texts with AES-256-GCM, as JSON Web Encryption (RFC 7516).

    Args:
        secret: The gateway's own, of at least 128 random bits.
        purpose: Texts sealed for one purpose can't be opened for another.
    """

    def __init__(self, secret: str, *, purpose: str) -> None:
        # The secret is random, not a password: one keyed hash makes a key of it.
        raw = hmac.digest(secret.encode(), f"facesocial {purpose}".encode(), "sha256")
        self._key = OctKey.import_key(raw)
        #: Tells which seal closed a text. Says nothing about the secret.
        self.mark = hashlib.sha256(b"mark" + raw).hexdigest()[:16]

    def close(self, plain: str) -> str:
        """The text, sealed."""
        return jwe.encrypt_compact(_HEADER, plain, self._key, algorithms=list(_HEADER.values()))

    def open(self, sealed: str) -> str:
        """The text that was sealed.

        Raises:
            SealBroken: it can't be opened with this seal.
        """
        try:
            opened = jwe.decrypt_compact(sealed, self._key, algorithms=list(_HEADER.values()))
        except (JoseError, ValueError) as error:
            raise SealBroken from error
        return (opened.plaintext or b"").decode()
