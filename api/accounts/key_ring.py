"""The keys that sign access tokens: made when first needed, replaced in time, published as JWKS.

Private parts are sealed with the gateway's secret. A gateway that can't open one (another host,
another secret) signs with a key of its own; public parts are everybody's.
"""

import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from joserfc.jwk import OKPKey, RSAKey

from api.accounts.sealing import Seal, SealBroken
from api.offload import offload

#: Ed25519 is what EdDSA over that curve is called since RFC 9864.
Algorithm = Literal["RS256", "Ed25519"]
SigningKey = RSAKey | OKPKey
#: RSA modulus, bits: what RFC 7518 asks for at least, and enough for keys that live for weeks.
RSA_BITS = 2048
#: How long a process believes what it has read; a removed key is refused everywhere after that.
RELOAD_MS = 60_000


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredKey:
    """A signing key as the store has it."""

    #: Thumbprint of the public part (RFC 7638).
    id: str
    #: The one algorithm it is used with.
    algorithm: Algorithm
    created_ms: int
    #: Which seal closed the private part; see `Seal.mark`.
    sealed_by: str
    #: JSON Web Key.
    public: Mapping[str, Any]
    #: JSON Web Key, sealed.
    private: str
    #: When a rotation by hand ended its signing; None: it was not.
    retired_ms: int | None = None


class KeyRingStore(Protocol):
    """Where the keys are kept. Every method raises StoreUnavailable."""

    def read(self) -> Sequence[StoredKey]:
        """Everything there is."""
        ...

    def add(self, key: StoredKey, *, signs_since_ms: int, verifies_since_ms: int) -> None:
        """Keep a key, unless another one of the same seal signs by now.

        Args:
            key: The new one.
            signs_since_ms: Keys made before this time sign no more.
            verifies_since_ms: Keys made before this time are deleted.
        """
        ...

    def retire(self) -> None:
        """Let the present keys sign no more; they still verify."""
        ...

    def drop(self) -> None:
        """Delete all keys: every token made so far is refused."""
        ...


class NoSuchKey(Exception):
    """The ring has no such key."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RingKey:
    """A key as it is used."""

    id: str
    algorithm: Algorithm
    key: SigningKey


class KeyRing:
    """What this process knows of the keys.

    Args:
        store: Shared by all gateway processes.
        seal: Closes the private parts.
        algorithm: Of new keys.
        signing_seconds: How long a key signs.
        token_seconds: How long a token lives: a key verifies that much longer than it signs.
        now_ms: Clock.
    """

    def __init__(
        self,
        store: KeyRingStore,
        seal: Seal,
        *,
        algorithm: Algorithm,
        signing_seconds: int,
        token_seconds: int,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self._store, self._seal, self._algorithm = store, seal, algorithm
        self._signing_ms = signing_seconds * 1000
        # Processes that have not looked for a while still sign with a key that was replaced.
        self._after_ms = token_seconds * 1000 + 2 * RELOAD_MS
        self._now_ms = now_ms
        self._lock = threading.Lock()
        self._read_ms = 0
        self._public: dict[str, RingKey] = {}
        self._signing: RingKey | None = None
        self._signing_until_ms = 0

    def signing(self) -> RingKey:
        """The key to sign with, private part included; made now if there is none.

        Raises:
            StoreUnavailable: the store does not answer, and nothing recent is known.
        """
        self._refresh(older_than_ms=RELOAD_MS)
        if self._signing is None or self._signing_until_ms <= self._now_ms():
            self._make()
            self._refresh(older_than_ms=0)
        if self._signing is None:
            raise AssertionError("A signing key was kept, and is not there.")
        return self._signing

    def verifying(self, key_id: str) -> RingKey:
        """The public key of that id.

        Raises:
            NoSuchKey: the ring has none, or its tokens have all expired.
            StoreUnavailable: the store does not answer, and nothing recent is known.
        """
        self._refresh(older_than_ms=RELOAD_MS)
        if key_id not in self._public:
            # Another process may have made it a moment ago.
            self._refresh(older_than_ms=0)
        try:
            return self._public[key_id]
        except KeyError:
            raise NoSuchKey from None

    def published(self) -> list[dict[str, Any]]:
        """The public keys as JSON Web Keys, for JWKS."""
        self.signing()
        return [
            {**key.key.as_dict(private=False), "kid": key.id, "alg": key.algorithm, "use": "sig"}
            for key in self._public.values()
        ]

    def rotate(self, *, drop: bool) -> None:
        """Sign with a new key from now on; other processes follow within a minute.

        Args:
            drop: Refuse every token made so far, too.
        """
        if drop:
            self._store.drop()
        else:
            self._store.retire()
        self._refresh(older_than_ms=0)
        self.signing()

    def _make(self) -> None:
        now_ms = self._now_ms()
        made = offload(_generate, self._algorithm)
        key = StoredKey(
            id=made.thumbprint(),
            algorithm=self._algorithm,
            created_ms=now_ms,
            sealed_by=self._seal.mark,
            public=made.as_dict(private=False),
            private=self._seal.close(json.dumps(made.as_dict(private=True))),
        )
        self._store.add(
            key,
            signs_since_ms=now_ms - self._signing_ms,
            verifies_since_ms=now_ms - self._signing_ms - self._after_ms,
        )

    def _refresh(self, *, older_than_ms: int) -> None:
        """Read the store, unless that was done not long ago."""
        with self._lock:
            if self._read_ms and self._now_ms() - self._read_ms < older_than_ms:
                return
            found = self._store.read()
            self._read_ms = self._now_ms()
            self._public = {
                key.id: self._public.get(key.id) or _ring_key(key, key.public)
                for key in found
                if self._signs_until_ms(key) + self._after_ms > self._read_ms
            }
            self._take_own([key for key in found if key.sealed_by == self._seal.mark])

    def _take_own(self, own: Sequence[StoredKey]) -> None:
        """Sign with the one of them that may sign longest."""
        newest = max(own, key=self._signs_until_ms, default=None)
        if newest is None or self._signs_until_ms(newest) <= self._read_ms:
            self._signing = None
            return
        if self._signing is None or self._signing.id != newest.id:
            self._signing = self._opened(newest)
        self._signing_until_ms = self._signs_until_ms(newest)

    def _signs_until_ms(self, key: StoredKey) -> int:
        end_ms = key.created_ms + self._signing_ms
        return end_ms if key.retired_ms is None else min(end_ms, key.retired_ms)

    def _opened(self, key: StoredKey) -> RingKey:
        try:
            return _ring_key(key, json.loads(self._seal.open(key.private)))
        except SealBroken as error:
            raise AssertionError(f"The signing key {key.id} has been changed.") from error


def _generate(algorithm: Algorithm) -> SigningKey:
    if algorithm == "Ed25519":
        return OKPKey.generate_key("Ed25519")
    return RSAKey.generate_key(RSA_BITS)


def _ring_key(stored: StoredKey, content: Mapping[str, Any]) -> RingKey:
    kind = OKPKey if stored.algorithm == "Ed25519" else RSAKey
    return RingKey(id=stored.id, algorithm=stored.algorithm, key=kind.import_key(dict(content)))
