"""API keys: how they look, and where they are kept.

A key is `fs_live_`, the 32 digits of its id, `_`, and 256 random bits. It is shown once; the store
has its SHA-256, which is enough: nobody can try 256 random bits out.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import uuid_utils

from api.accounts.records import ApiKey, AuditEntry, FoundKey

PREFIX = "fs_live_"
_SECRET_BYTES = 32
_KEY = re.compile(r"fs_live_([0-9a-f]{32})_[A-Za-z0-9_-]{43}")
#: Letters of a key that are kept and shown.
HINT_LETTERS = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class MadeKey:
    """A key that was just made."""

    #: `key_` and the digits in the key.
    id: str
    #: The key itself: to be shown, and never kept.
    text: str

    @property
    def digest(self) -> str:
        """What is kept of it."""
        return digest_of(self.text)

    @property
    def hint(self) -> str:
        """Its last letters."""
        return self.text[-HINT_LETTERS:]


def make_key(key_id: str | None = None) -> MadeKey:
    """A new key, or a new secret for the id of an old one."""
    key_id = key_id or f"key_{uuid_utils.uuid7().hex}"
    secret = secrets.token_urlsafe(_SECRET_BYTES)
    return MadeKey(id=key_id, text=f"{PREFIX}{key_id.removeprefix('key_')}_{secret}")


def id_in(text: str) -> str | None:
    """The id that a key carries; None when it is no key of ours."""
    found = _KEY.fullmatch(text)
    return None if found is None else f"key_{found[1]}"


def digest_of(text: str) -> str:
    """SHA-256, hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def is_secret_of(text: str, found: FoundKey, *, now_ms: int) -> bool:
    """Whether a key as it was sent is the stored one, or the one before its rotation.

    Both comparisons are always made, and take the same time whatever is sent.
    """
    digest = digest_of(text)
    is_present = hmac.compare_digest(digest, found.digest)
    is_previous = hmac.compare_digest(digest, found.previous_digest or "-" * len(digest))
    until_ms = found.key.previous_until_ms
    return is_present or (is_previous and until_ms is not None and now_ms < until_ms)


class KeyStore(Protocol):
    """Where keys are kept. Every method raises StoreUnavailable.

    Whatever changes a key writes to the audit log in the same step.
    """

    def create(self, key: ApiKey, digest: str, *, most: int, audit: AuditEntry) -> ApiKey:
        """Keep a new key. A known id is left as it is, and returned.

        Args:
            key: What to keep.
            digest: See `digest_of`.
            most: How many keys that can be used its user may have.
            audit: What the log says.

        Raises:
            TooManyKeys: the user has that many.
        """
        ...

    def find(self, key_id: str) -> FoundKey | None:
        """The key and its owner's role, in one call; None where there is none."""
        ...

    def list(self, user_id: str) -> Sequence[ApiKey]:
        """A user's keys, newest first; revoked ones for some weeks."""
        ...

    def get(self, user_id: str, key_id: str) -> ApiKey:
        """One of them.

        Raises:
            KeyNotFound: the user has no such key.
        """
        ...

    def rotate(
        self, user_id: str, made: MadeKey, *, overlap_seconds: int, audit: AuditEntry
    ) -> ApiKey:
        """Give a key a new secret.

        Args:
            user_id: Its owner.
            made: The new secret, with the key's id.
            overlap_seconds: How long the old secret is taken besides.
            audit: What the log says.

        Raises:
            KeyNotFound: the user has no such key.
            KeyEnded: it is revoked or expired.
        """
        ...

    def revoke(self, user_id: str, key_id: str, *, audit: AuditEntry) -> None:
        """Take a key no more, at once and for good. A revoked one stays as it is.

        Raises:
            KeyNotFound: the user has no such key.
        """
        ...
