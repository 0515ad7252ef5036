"""Access tokens: signed, short-lived, and of no use to any other service (RFC 7519, RFC 9068)."""

import json
import time
import uuid
from base64 import urlsafe_b64decode
from binascii import Error as Base64Error
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast, get_args

from joserfc import jwt
from joserfc.errors import JoseError

from api.accounts.errors import CredentialExpired, CredentialInvalid
from api.accounts.key_ring import KeyRing, NoSuchKey
from api.principal import SCOPES_OF_ROLE, Role

ISSUER = "facesocial-api"
AUDIENCE = "facesocial"
#: RFC 9068: what keeps other tokens of the same issuer from being taken for access tokens.
TYPE = "at+jwt"
#: Ours have some 900 characters; more is not worth looking at.
MOST_CHARACTERS = 4096
#: Clocks of gateways may differ by this much.
LEEWAY_SECONDS = 5
#: The members of a header. Any other (`jku`, `jwk`, `x5u`, `crit` …) is refused, never followed.
_HEADER = frozenset({"alg", "kid", "typ"})


@dataclass(frozen=True, kw_only=True, slots=True)
class AccessToken:
    """A token as it is given out."""

    text: str
    expires_in_seconds: int


@dataclass(frozen=True, kw_only=True, slots=True)
class TokenClaims:
    """What a good token says. Whether its session still lives, the store says."""

    user_id: str
    #: At the time it was issued.
    role: Role
    session_id: str
    expires_ms: int


class TokenIssuer:
    """Makes and checks access tokens.

    Args:
        ring: The keys.
        token_seconds: How long a token lives.
        now_ms: Clock.
    """

    def __init__(
        self,
        ring: KeyRing,
        *,
        token_seconds: int,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self._ring, self._seconds, self._now_ms = ring, token_seconds, now_ms

    def issue(self, *, user_id: str, role: Role, session_id: str, email: str = "") -> AccessToken:
        """A token for a user's session.

        Raises:
            StoreUnavailable: there is no key to sign with.
        """
        key = self._ring.signing()
        now = self._now_ms() // 1000
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": user_id,
            "sid": session_id,
            "role": role,
            "permissions": sorted(SCOPES_OF_ROLE[role]),
            "iat": now,
            "exp": now + self._seconds,
            "jti": uuid.uuid4().hex,
            **({"email": email} if email else {}),
        }
        header = {"alg": key.algorithm, "kid": key.id, "typ": TYPE}
        text = jwt.encode(header, claims, key.key, algorithms=[key.algorithm])
        return AccessToken(text=text, expires_in_seconds=self._seconds)

    def verify(self, token: str) -> TokenClaims:
        """What the token says, if it is one of ours and still good.

        Raises:
            CredentialInvalid: it is not ours, or not whole.
            CredentialExpired: it was ours.
            StoreUnavailable: its key can't be looked up.
        """
        header = _header_of(token)
        try:
            key = self._ring.verifying(str(header["kid"]))
            # The algorithm is the key's, never the token's word: no `none`, no HMAC with a
            # public key as its secret.
            if header["alg"] != key.algorithm:
                raise CredentialInvalid
            claims = jwt.decode(token, key.key, algorithms=[key.algorithm]).claims
        except (JoseError, NoSuchKey, ValueError, RecursionError):
            raise CredentialInvalid from None
        return self._checked(claims)

    def _checked(self, claims: Mapping[str, Any]) -> TokenClaims:
        """The claims of a token with a good signature."""
        expires, role = claims.get("exp"), claims.get("role")
        user_id, session_id = claims.get("sub"), claims.get("sid")
        good = (
            claims.get("iss") == ISSUER
            and claims.get("aud") == AUDIENCE
            and type(expires) is int
            and role in get_args(Role)
            and _is_id(user_id)
            and _is_id(session_id)
        )
        if not good:
            raise CredentialInvalid
        if cast("int", expires) + LEEWAY_SECONDS <= self._now_ms() // 1000:
            raise CredentialExpired
        return TokenClaims(
            user_id=str(user_id),
            role=cast("Role", role),
            session_id=str(session_id),
            expires_ms=cast("int", expires) * 1000,
        )


def _is_id(value: object) -> bool:
    return isinstance(value, str) and bool(value)


def _header_of(token: str) -> Mapping[str, Any]:
    """The header, before anything of it is believed.

    Raises:
        CredentialInvalid: it is none of ours.
    """
    if len(token) > MOST_CHARACTERS or token.count(".") != 2:  # noqa: PLR2004 - three parts
        raise CredentialInvalid
    encoded = token.partition(".")[0]
    try:
        header = json.loads(urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)))
    except (Base64Error, ValueError, RecursionError):
        raise CredentialInvalid from None
    if not isinstance(header, dict) or set(header) != _HEADER or header["typ"] != TYPE:
        raise CredentialInvalid
    return header
