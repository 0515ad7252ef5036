"""Makes access tokens as an attacker would: changed, or signed by somebody else's key."""

import base64
import json
import time
from typing import Any

import fakeredis
from joserfc import jwt

from api.accounts.errors import CredentialInvalid
from api.accounts.key_ring import Algorithm, KeyRing, RingKey
from api.accounts.redis_key_ring import RedisKeyRing
from api.accounts.sealing import Seal
from api.accounts.tokens import AUDIENCE, ISSUER, TYPE, TokenIssuer

TOKEN_SECONDS = 600
SECRET = "s" * 32


class Forge:
    """A gateway's issuer, and everything an attacker knows: public keys and real tokens."""

    def __init__(self, algorithm: Algorithm) -> None:
        self.redis = fakeredis.FakeRedis(server=fakeredis.FakeServer(version=(7, 2)))
        self.now_ms = time.time_ns() // 1_000_000
        self.ring = self.ring_of(algorithm)
        self.issuer = TokenIssuer(self.ring, token_seconds=TOKEN_SECONDS, now_ms=self.clock)

    def ring_of(self, algorithm: Algorithm, secret: str = SECRET) -> KeyRing:
        return KeyRing(
            RedisKeyRing(self.redis),
            Seal(secret, purpose="signing keys"),
            algorithm=algorithm,
            signing_seconds=3600,
            token_seconds=TOKEN_SECONDS,
            now_ms=self.clock,
        )

    def clock(self) -> int:
        return self.now_ms

    @property
    def key(self) -> RingKey:
        return self.ring.signing()

    @property
    def public(self) -> dict[str, Any]:
        return self.ring.published()[0]

    def issue(self) -> str:
        return self.issuer.issue(user_id="user_1", role="user", session_id="session_1").text

    def claims(self, **changed: object) -> dict[str, Any]:
        now = self.now_ms // 1000
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": "user_1",
            "sid": "session_1",
            "role": "user",
            "iat": now,
            "exp": now + 60,
            **changed,
        }
        return {name: value for name, value in claims.items() if value is not None}

    def header(self, **changed: object) -> dict[str, Any]:
        header = {"alg": self.key.algorithm, "kid": self.key.id, "typ": TYPE, **changed}
        return {name: value for name, value in header.items() if value is not None}

    def signed(self, header: dict[str, Any], claims: dict[str, Any], key: object) -> str:
        """By any key, with any header: written by hand where the library would refuse."""
        algorithm = str(header["alg"])
        if set(header) <= {"alg", "kid", "typ"}:
            return jwt.encode(header, claims, key, algorithms=[algorithm], default_type=None)  # type: ignore[arg-type]
        body = f"{part(header)}.{part(claims)}"
        plain = jwt.encode({"alg": algorithm}, claims, key, algorithms=[algorithm])  # type: ignore[arg-type]
        assert plain.count(".") == 2
        return f"{body}.{self._signature(body, algorithm, key)}"

    def _signature(self, body: str, algorithm: str, key: Any) -> str:  # noqa: ANN401 - joserfc's
        from joserfc.jws import JWSRegistry  # noqa: PLC0415 - of this one attack

        signer = JWSRegistry(algorithms=[algorithm]).get_alg(algorithm)
        return encoded(signer.sign(body.encode(), key))

    def refuses(self, token: str) -> bool:
        try:
            self.issuer.verify(token)
        except CredentialInvalid:
            return True
        return False


def encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def part(content: dict[str, Any]) -> str:
    return encoded(json.dumps(content).encode())


def decoded(part: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return found
