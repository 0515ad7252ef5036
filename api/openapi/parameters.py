"""Parameters: of the path by their names, of the query by the model, of the headers by the form."""

from collections.abc import Iterator
from typing import Any

from werkzeug.routing import Rule

from api.endpoint import Endpoint
from api.openapi.request_headers import reference
from api.openapi.schemas import Schemas, without_null

_ID = "[0-9a-f]{32}"
_CLIENT_ID = "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
#: Path parameters: what each is, and its pattern where it has one. Anything else is not found.
PATH_PARAMETERS: dict[str, tuple[str, str | None]] = {
    "asset": ("A file's name.", "^[a-z0-9.-]+$"),
    "batch_id": ("A batch's id.", f"^batch_{_ID}$"),
    "key_id": ("An API key's id.", f"^key_({_ID}|development)$"),
    "collection_id": ("One's own name for a collection; `default` is always there.", _CLIENT_ID),
    "person_id": ("One's own name for a person.", _CLIENT_ID),
    "face_id": ("An enrolled face's id.", f"^face_{_ID}$"),
    "deletion_id": ("A deletion's id.", f"^deletion_{_ID}$"),
    "job_id": ("A job's id.", f"^job_{_ID}$"),
    "upload_id": ("An upload's id.", f"^upload_{_ID}$"),
    "webhook_id": ("A webhook's id.", f"^hook_{_ID}$"),
    "delivery_id": ("A delivery's id.", None),
    "session_id": ("A login's id.", f"^session_{_ID}$"),
    "user_id": ("A user's id.", f"^user_{_ID}$"),
    "model_id": ("A model's id or another of its names.", None),
}


def parameters(rule: Rule, declared: Endpoint, schemas: Schemas) -> list[dict[str, Any]]:
    """All parameters of one operation.

    Raises:
        AssertionError: a path parameter is not in `PATH_PARAMETERS`.
    """
    return [
        *_of_path(rule),
        *_of_query(declared, schemas),
        *(reference(name) for name in _of_headers(declared)),
    ]


def _of_path(rule: Rule) -> Iterator[dict[str, Any]]:
    for name in sorted(rule.arguments):
        if name not in PATH_PARAMETERS:
            raise AssertionError(f"api.openapi.parameters says nothing of '{name}'.")
        description, pattern = PATH_PARAMETERS[name]
        schema: dict[str, Any] = {"type": "string", "minLength": 1}
        if f"<int:{name}>" in rule.rule:
            schema = {"type": "integer", "minimum": 0}
        elif pattern:
            schema["pattern"] = pattern
        yield {
            "name": name,
            "in": "path",
            "required": True,
            "description": description,
            "schema": schema,
        }


def _of_query(declared: Endpoint, schemas: Schemas) -> Iterator[dict[str, Any]]:
    if declared.query is None:
        return
    members = schemas.members(declared.query, "taken")
    required = members.get("required", ())
    for name, schema in members.get("properties", {}).items():
        own = dict(schema)
        found: dict[str, Any] = {"name": name, "in": "query", "required": name in required}
        if description := own.pop("description", None):
            found["description"] = description
        yield {**found, "schema": without_null(own)}


def _of_headers(declared: Endpoint) -> Iterator[str]:
    yield "RequestId"
    if declared.idempotent:
        yield "IdempotencyKey"
    if declared.query is not None and "wait" in declared.query.model_fields:
        yield "Prefer"
    if 304 in declared.answers:  # noqa: PLR2004 - Not Modified
        yield "IfNoneMatch"
    yield from declared.headers
