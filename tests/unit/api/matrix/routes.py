"""Every route of the gateway, and what it takes to call one: path parameters and a body."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import uuid_utils
from flask import Flask
from pydantic import BaseModel
from werkzeug.routing import Rule

from api.accounts.users import User
from api.endpoint import Endpoint, declared_endpoint
from api.resumable.uploads import NewUpload, Quota
from api.services import Services
from tests.unit.api.matrix.known_people import album_of, deletion_of, face_of, person_of
from tests.unit.api.matrix.people import add_key, add_user
from workers.batches.records import NewBatch
from workers.contract import AnalyzeOptions, JobRoute
from workers.jobs.records import NewJob

#: `<name>` or `<converter:name>`.
_PARAMETER = re.compile(r"<(?:[^:<>]+:)?([^<>]+)>")


@dataclass(frozen=True, kw_only=True, slots=True)
class Maker:
    """Makes what a path parameter names."""

    #: For a user, who owns it where `is_owned`.
    make: Callable[[Services, User], str]
    #: Whether it belongs to one user, and is nothing to all others.
    is_owned: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Route:
    """One method at one address."""

    method: str
    rule: Rule
    declared: Endpoint

    def __str__(self) -> str:
        return f"{self.method} {self.rule.rule}"

    @property
    def is_open(self) -> bool:
        """Whether it asks nobody who he is. Some routes do it themselves, and say so."""
        return self.declared.is_open and "auth_required" not in self.declared.problems

    @property
    def parameters(self) -> set[str]:
        """Of the path."""
        return set(self.rule.arguments)

    def path(self, names: Mapping[str, str]) -> str:
        """The address with these parameters."""
        return _PARAMETER.sub(lambda found: names[found[1]], self.rule.rule)

    @property
    def arguments(self) -> dict[str, Any]:
        """A body as the route declares it, and its type."""
        for media_type, model in self.declared.bodies.items():
            if media_type == "application/json" and model is not None:
                return {"json": example(model)}
        for media_type in self.declared.bodies:
            return {"data": b"", "content_type": media_type}
        return {}


def routes_of(app: Flask) -> Iterator[Route]:
    """All of them; methods that Flask answers by itself are left out.

    An address for WebSockets has a second rule for requests that ask for no upgrade: that one.
    """
    for rule in sorted(app.url_map.iter_rules(), key=str):
        declared = declared_endpoint(app, rule.endpoint)
        assert declared is not None, f"{rule} declares no endpoint"
        if rule.websocket:
            continue
        automatic = {"OPTIONS"} if getattr(rule, "provide_automatic_options", False) else set()
        if "GET" in (rule.methods or ()):
            automatic.add("HEAD")
        for method in sorted((rule.methods or set()) - automatic):
            yield Route(method=method, rule=rule, declared=declared)


def example(model: type[BaseModel]) -> dict[str, Any]:
    """The shortest body that has every required member."""
    schema = model.model_json_schema()
    return {
        name: _value(schema["properties"][name], schema.get("$defs", {}))
        for name in schema.get("required", ())
    }


def _value(schema: Mapping[str, Any], known: Mapping[str, Any]) -> object:
    if "$ref" in schema:
        return _value(known[schema["$ref"].rpartition("/")[2]], known)
    for several in ("anyOf", "oneOf", "allOf"):
        if several in schema:
            return _value(schema[several][0], known)
    if "enum" in schema:
        return schema["enum"][0]
    if schema.get("type") == "array":
        return [_value(schema.get("items", {}), known)] * schema.get("minItems", 0)
    filled: dict[str, object] = {
        "string": "x" * schema.get("minLength", 1),
        "integer": schema.get("minimum", 1),
        "number": schema.get("minimum", 1.0),
        "boolean": False,
        "object": {},
    }
    return filled[schema.get("type", "object")]


def _job(parts: Services, user: User) -> str:
    job_id = f"job_{uuid_utils.uuid7().hex}"
    route = JobRoute(queue="cpu.interactive", reason="no_gpu_device")
    job = NewJob(
        id=job_id, owner=user.id, options=AnalyzeOptions(), route=route, blob_keys=(job_id,)
    )
    parts.jobs.submit(job)
    parts.jobs.cancel(job_id)  # an ended one: its events end, too
    return job_id


def _key(parts: Services, user: User) -> str:
    return f"key_{add_key(parts, user).split('_')[2]}"


def _session(parts: Services, user: User) -> str:
    begun = parts.people.sessions.begin(user, remembered=False, device="test", address="")
    assert begun is not None
    return begun.session_id


def _upload(parts: Services, user: User) -> str:
    upload = NewUpload(id=f"upload_{uuid_utils.uuid7().hex}", owner=user.id, length_bytes=10)
    assert parts.uploads.create(upload, Quota(uploads=1000, total_bytes=1_000_000))
    return upload.id


def _batch(parts: Services, user: User) -> str:
    batch_id = f"batch_{uuid_utils.uuid7().hex}"
    parts.batches.create(NewBatch(id=batch_id, owner=user.id, options=AnalyzeOptions()))
    parts.batches.close(batch_id)  # empty and closed it has ended, and so do its events
    return batch_id


def _webhook(parts: Services, user: User) -> str:
    webhook, _ = parts.webhooks.create(
        user.id, url="https://receiver.example/hook", events=(), description=""
    )
    return webhook.id


def _delivery(parts: Services, user: User) -> str:
    return parts.webhooks.test(user.id, _webhook(parts, user))


#: What path parameters name. A new one has to be added here, or the tests fail.
MAKERS: Mapping[str, Maker] = {
    "job_id": Maker(make=_job),
    "batch_id": Maker(make=_batch),
    "key_id": Maker(make=_key),
    "collection_id": Maker(make=lambda parts, user: album_of(parts, user).id),
    "person_id": Maker(make=person_of),
    "face_id": Maker(make=face_of),
    "deletion_id": Maker(make=deletion_of),
    "session_id": Maker(make=_session),
    "upload_id": Maker(make=_upload),
    "webhook_id": Maker(make=_webhook),
    "delivery_id": Maker(make=_delivery),
    "user_id": Maker(make=lambda parts, _: add_user(parts, "user").id, is_owned=False),
    "model_id": Maker(make=lambda *_: "yunet", is_owned=False),
    "asset": Maker(make=lambda *_: "swagger-ui.css", is_owned=False),
}
