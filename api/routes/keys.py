"""/api/v1/keys: one's own API keys."""

import time
from typing import Annotated, Any

from flask import Blueprint, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from api.accounts.errors import ScopeMissing
from api.accounts.keys import MadeKey, make_key
from api.accounts.records import ApiKey
from api.answers.credentials import KeyAnswer, KeyList, KeyWithSecret
from api.auditing import audit_entry
from api.endpoint import Endpoint, endpoint, principal
from api.idempotency import replayed
from api.json_body import read_json
from api.principal import Scope
from api.services import services
from api.timestamps import timestamp

blueprint = Blueprint("keys", __name__)

#: Ten years.
_LONGEST_SECONDS = 10 * 365 * 86_400
#: Two keys side by side for longer than this are two keys.
_LONGEST_OVERLAP_SECONDS = 7 * 86_400
#: Rights a key is given only by name: with them it could make keys or change accounts.
NAMED_ONLY = frozenset({Scope.ACCOUNT, Scope.USERS, Scope.SYSTEM})


class KeyBody(BaseModel):
    """A key to be made."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    #: One's own word for it.
    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
    #: Its rights. When not given: the caller's, but for those over accounts and models.
    scopes: Annotated[frozenset[Scope], Field(min_length=1)] | None = None
    #: How long it is good for; when not given, until it is revoked.
    expires_in_seconds: Annotated[int, Field(ge=60, le=_LONGEST_SECONDS)] | None = None


class RotationBody(BaseModel):
    """How a key is replaced."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    #: How long the old key is taken besides the new one.
    overlap_seconds: Annotated[int, Field(ge=0, le=_LONGEST_OVERLAP_SECONDS)] = 0


def _endpoint(**given: Any) -> Endpoint:  # noqa: ANN401 - Endpoint's own
    return Endpoint(scope=Scope.ACCOUNT, tag="accounts", **given)


_NOT_FOUND = ("key_not_found",)


@blueprint.post("/api/v1/keys")
@replayed(has_secret=True)
@endpoint(
    _endpoint(
        bucket="write",
        bodies={"application/json": KeyBody},
        answers={201: KeyWithSecret},
        problems=("too_many_keys",),
        idempotent=True,
    )
)
def create() -> Response:
    """Make an API key. It is told in this answer and never again."""
    body = read_json(KeyBody)
    caller, parts = principal(), services()
    scopes = caller.scopes - NAMED_ONLY if body.scopes is None else body.scopes
    if beyond := scopes - caller.scopes:
        raise ScopeMissing(min(beyond))
    made = make_key()
    now_ms = time.time_ns() // 1_000_000
    lasts_seconds = body.expires_in_seconds
    stored = parts.credentials.keys.create(
        ApiKey(
            id=made.id,
            user_id=caller.user_id,
            name=body.name,
            scopes=scopes,
            hint=made.hint,
            created_ms=now_ms,
            expires_ms=None if lasts_seconds is None else now_ms + lasts_seconds * 1000,
        ),
        made.digest,
        most=parts.settings.keys_per_user,
        audit=audit_entry("key.created", key=made.id, scopes=" ".join(sorted(scopes))),
    )
    response = _with_secret(stored, made)
    response.status_code = 201
    response.headers["Location"] = f"/api/v1/keys/{made.id}"
    return response


@blueprint.get("/api/v1/keys")
@endpoint(_endpoint(answers={200: KeyList}))
def read_all() -> Response:
    """List one's keys; those that were revoked or have expired for another 30 days."""
    found = services().credentials.keys.list(principal().user_id)
    return _json(KeyList(items=tuple(map(_answer, found)), next_cursor=None))


@blueprint.get("/api/v1/keys/<key_id>")
@endpoint(_endpoint(answers={200: KeyAnswer}, problems=_NOT_FOUND))
def read(key_id: str) -> Response:
    """Read what is known of a key."""
    return _json(_answer(services().credentials.keys.get(principal().user_id, key_id)))


@blueprint.post("/api/v1/keys/<key_id>/rotate")
@replayed(has_secret=True)
@endpoint(
    _endpoint(
        bucket="write",
        bodies={"application/json": RotationBody},
        body_optional=True,
        answers={200: KeyWithSecret},
        problems=(*_NOT_FOUND, "key_ended"),
        idempotent=True,
    )
)
def rotate(key_id: str) -> Response:
    """Replace a key by a new one of the same id and rights, told in this answer only."""
    body = read_json(RotationBody)
    keys, caller = services().credentials.keys, principal()
    # Whoever rotates a key has it afterwards, and shall not rise by that.
    if beyond := keys.get(caller.user_id, key_id).scopes - caller.scopes:
        raise ScopeMissing(min(beyond))
    made = make_key(key_id)
    stored = keys.rotate(
        caller.user_id,
        made,
        overlap_seconds=body.overlap_seconds,
        audit=audit_entry("key.rotated", key=key_id, overlap_seconds=str(body.overlap_seconds)),
    )
    return _with_secret(stored, made)


@blueprint.delete("/api/v1/keys/<key_id>")
@endpoint(_endpoint(bucket="write", answers={204: None}, problems=_NOT_FOUND))
def revoke(key_id: str) -> Response:
    """Take a key no more, from this moment on and for good."""
    services().credentials.keys.revoke(
        principal().user_id, key_id, audit=audit_entry("key.revoked", key=key_id)
    )
    return Response(status=204)


def _answer(key: ApiKey) -> KeyAnswer:
    return KeyAnswer(**_members(key))


def _members(key: ApiKey) -> dict[str, Any]:
    return {
        "id": key.id,
        "name": key.name,
        "scopes": tuple(sorted(key.scopes)),
        "state": key.state(time.time_ns() // 1_000_000),
        "hint": key.hint,
        "created_at": timestamp(key.created_ms),
        "expires_at": timestamp(key.expires_ms),
        "last_used_at": timestamp(key.last_used_ms),
        "revoked_at": timestamp(key.revoked_ms),
        "previous_until": timestamp(key.previous_until_ms),
    }


def _with_secret(key: ApiKey, made: MadeKey) -> Response:
    response = _json(KeyWithSecret(**_members(key), key=made.text))
    response.headers["Cache-Control"] = "no-store"
    return response


def _json(answer: BaseModel) -> Response:
    return Response(answer.model_dump_json(), mimetype="application/json")
