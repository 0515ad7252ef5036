"""Signing keys and the audit log: what administrators and other services look at."""

import re
from typing import Annotated

from flask import Blueprint, Response
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from api.accounts.records import StoredAuditEntry
from api.answers.credentials import AuditAnswer, AuditPage, SigningKeys
from api.auditing import audit
from api.endpoint import Endpoint, endpoint
from api.idempotency import replayed
from api.json_body import read_json
from api.principal import Scope
from api.query import query_of
from api.services import services
from api.timestamps import timestamp

blueprint = Blueprint("security", __name__)

_PLACE = re.compile(r"[0-9]{1,15}-[0-9]{1,15}")
#: How long others may keep the public keys, seconds. A token may carry a newer one: who meets an id
#: they do not know looks again.
_KEYS_KEPT_SECONDS = 300


def _checked_place(text: str) -> str:
    # Before the place with two zeros there is none, and the store says so with an error.
    if not _PLACE.fullmatch(text) or not text.strip("0-"):
        raise ValueError("expected the next_cursor of an earlier answer")
    return text


class AuditQuery(BaseModel):
    """Which entries."""

    #: At most so many.
    limit: Annotated[int, Field(ge=1, le=500)] = 50
    #: An earlier answer's `next_cursor`.
    after: Annotated[str, AfterValidator(_checked_place)] | None = None
    #: Only what this user did.
    user_id: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    #: Only acts of this name.
    action: Annotated[str, Field(min_length=1, max_length=100)] | None = None


class SigningBody(BaseModel):
    """What becomes of the present signing keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    #: Refuse every access token that was given out so far: the private key may be known to others.
    drop: bool = False


@blueprint.get("/.well-known/jwks.json")
@endpoint(Endpoint(is_open=True, tag="accounts", answers={200: SigningKeys}))
def read_signing_keys() -> Response:
    """Read the public keys with which access tokens can be checked (RFC 7517)."""
    response = _signing_keys()
    response.headers["Cache-Control"] = f"public, max-age={_KEYS_KEPT_SECONDS}"
    return response


@blueprint.post("/api/v1/admin/signing-keys/rotate")
@replayed
@endpoint(
    Endpoint(
        scope=Scope.USERS,
        bucket="write",
        tag="administration",
        bodies={"application/json": SigningBody},
        body_optional=True,
        answers={200: SigningKeys},
        idempotent=True,
    )
)
def rotate_signing_keys() -> Response:
    """Sign access tokens with a new key; every gateway does within a minute."""
    body = read_json(SigningBody)
    services().credentials.ring.rotate(drop=body.drop)
    audit("signing_keys.dropped" if body.drop else "signing_keys.rotated")
    return _signing_keys()


@blueprint.get("/api/v1/admin/audit")
@endpoint(
    Endpoint(scope=Scope.USERS, tag="administration", query=AuditQuery, answers={200: AuditPage})
)
def read_audit() -> Response:
    """Read the audit log, newest entries first."""
    query = query_of(AuditQuery)
    found = services().credentials.audit.read(
        limit=query.limit, before=query.after, user_id=query.user_id, action=query.action
    )
    page = AuditPage(
        items=tuple(map(_answer, found)),
        next_cursor=found[-1].id if len(found) == query.limit else None,
    )
    return Response(page.model_dump_json(), mimetype="application/json")


def _signing_keys() -> Response:
    answer = SigningKeys(keys=tuple(services().credentials.ring.published()))
    return Response(answer.model_dump_json(), mimetype="application/json")


def _answer(stored: StoredAuditEntry) -> AuditAnswer:
    entry = stored.entry
    return AuditAnswer(
        id=stored.id,
        at=timestamp(int(stored.id.partition("-")[0])) or "",
        action=entry.action,
        user_id=entry.user_id,
        credential_id=entry.credential_id,
        network=entry.address,
        request_id=entry.request_id,
        detail=dict(entry.detail),
    )
