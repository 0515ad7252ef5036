"""One operation of the document: a route and a method with what the route declares."""

import inspect
import re
from http import HTTPMethod
from typing import Any

from flask import Flask
from pydantic import BaseModel
from werkzeug.routing import Rule

from api.endpoint import Endpoint
from api.openapi.parameters import parameters
from api.openapi.responses import Responses
from api.openapi.schemas import Schemas, without_nulls

#: A variable part of a route, with or without a converter.
_VARIABLE = re.compile(r"<(?:[^<>:]+:)?([^<>:]+)>")
#: Methods whose body means nothing.
_WITHOUT_BODY = frozenset({HTTPMethod.GET, HTTPMethod.HEAD, HTTPMethod.DELETE, HTTPMethod.OPTIONS})
#: Bodies of named texts and files.
_FORMS = frozenset({"multipart/form-data", "application/x-www-form-urlencoded"})
#: Where a credential may be.
SECURITY = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "An access token from `POST /api/v1/auth/login`, or an API key.",
    },
    "api_key": {
        "type": "apiKey",
        "in": "header",
        "name": "X-API-Key",
        "description": "An API key: `fs_live_` and more.",
    },
}


def path_of(rule: Rule) -> str:
    """`/jobs/{job_id}` of `/jobs/<job_id>`."""
    return _VARIABLE.sub(r"{\1}", rule.rule)


def methods_of(rule: Rule) -> list[str]:
    """The methods its author named."""
    named = set(rule.methods or ())
    if getattr(rule, "provide_automatic_options", False):
        named.discard("OPTIONS")
    if "GET" in named:
        named.discard("HEAD")
    return sorted(named)


class Operations:
    """Makes operations, each with a name of its own.

    Args:
        app: Whose views' words are the operations' words.
        schemas: Of everything that is taken and answered.
    """

    def __init__(self, app: Flask, schemas: Schemas) -> None:
        self._app = app
        self._schemas = schemas
        #: First address of each name.
        self._addresses: dict[str, str] = {}
        self.responses = Responses(schemas)

    def of(self, rule: Rule, method: str, declared: Endpoint) -> dict[str, Any]:
        """The operation of one method of a route."""
        text = inspect.getdoc(self._app.view_functions[rule.endpoint]) or rule.endpoint
        summary, _, description = text.partition("\n")
        name, first = self._name(rule, method)
        told = [description.strip()]
        if first != path_of(rule):
            told = [f"The same as `{first}`."]
        if declared.scope:
            told.append(f"Takes the right `{declared.scope}`.")
        found: dict[str, Any] = {
            "operationId": name,
            "tags": [declared.tag],
            "summary": summary.strip().removesuffix("."),
            "description": "\n\n".join(filter(None, told)),
            "parameters": parameters(rule, declared, self._schemas),
            "responses": self.responses.of(declared, has_variables=bool(rule.arguments)),
            "security": [] if declared.is_open else _credentials(declared),
        }
        if declared.bodies and method not in _WITHOUT_BODY:
            found["requestBody"] = self._bodies(declared)
        return found

    def _name(self, rule: Rule, method: str) -> tuple[str, str]:
        """A name for the operation, and the first address that has this view and method."""
        base = rule.endpoint.replace(".", "_")
        if len(methods_of(rule)) > 1:
            base = f"{base}_{method.lower()}"
        first = self._addresses.setdefault(base, path_of(rule))
        number, name = 1, base
        while self._addresses.setdefault(name, path_of(rule)) != path_of(rule):
            number += 1
            name = f"{base}_{number}"
        return name, first

    def _bodies(self, declared: Endpoint) -> dict[str, Any]:
        content = {
            media_type: {"schema": self._body(media_type, model)}
            for media_type, model in declared.bodies.items()
        }
        return {"required": self._is_required(declared), "content": content}

    def _is_required(self, declared: Endpoint) -> bool:
        """Whether there must be a body: not where no member of the one JSON model must be sent."""
        [first, *others] = declared.bodies.items()
        if declared.body_optional:
            return False
        if others or first[0] != "application/json" or first[1] is None:
            return True
        return bool(self._schemas.members(first[1], "taken").get("required"))

    def _body(self, media_type: str, model: type[BaseModel] | None) -> dict[str, Any]:
        if model is None:
            return {"type": "string", "format": "binary"}
        if media_type in _FORMS:
            return without_nulls(self._schemas.members(model, "taken"))
        return self._schemas.reference(model, "taken")


def _credentials(declared: Endpoint) -> list[dict[str, list[str]]]:
    rights = [str(declared.scope)] if declared.scope else []
    return [{name: rights} for name in SECURITY]
