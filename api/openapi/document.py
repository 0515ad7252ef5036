"""The whole document."""

import importlib.metadata
from collections.abc import Iterator
from typing import Any

from flask import Flask
from pydantic import BaseModel
from werkzeug.routing import Rule

from api.answers.problem import ProblemDocument
from api.endpoint import Endpoint, declared_endpoint
from api.openapi import request_headers, responses
from api.openapi.operations import SECURITY, Operations, methods_of, path_of
from api.openapi.schemas import Schemas, Use

_DESCRIPTION = """\
Face analysis by jobs: send photos or videos, get a job, wait for it or be told.

Every answer is the resource itself; every error is a problem document (RFC 9457) whose `code` is
stable. Names are in snake_case, times in RFC 3339 and UTC. Names that are not known are refused.
"""


def build_document(app: Flask) -> dict[str, Any]:
    """OpenAPI 3.1 of everything the app answers.

    Raises:
        AssertionError: a route declares nothing, or a problem nobody knows.
    """
    routes = list(documented_routes(app))
    schemas = Schemas(
        [(ProblemDocument, "answered"), *(pair for _, one in routes for pair in _models(one))]
    )
    operations = Operations(app, schemas)
    paths: dict[str, dict[str, Any]] = {}
    for rule, declared in routes:
        for method in methods_of(rule):
            operation = operations.of(rule, method, declared)
            paths.setdefault(path_of(rule), {})[method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "FaceSocial",
            "version": importlib.metadata.version("facesocial"),
            "description": _DESCRIPTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "tags": [{"name": tag} for tag in sorted({one.tag for _, one in routes})],
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": schemas.components,
            "parameters": request_headers.components(),
            "headers": responses.HEADERS,
            "responses": dict(sorted(operations.responses.components.items())),
            "securitySchemes": SECURITY,
        },
    }


def documented_routes(app: Flask) -> Iterator[tuple[Rule, Endpoint]]:
    """Every route with its declaration, the last registered first.

    Of several decorators the one on top, a route's main address, is applied last.
    """
    for rule in reversed(list(app.url_map.iter_rules())):
        declared = declared_endpoint(app, rule.endpoint)
        if declared is None:
            raise AssertionError(f"{rule.endpoint} declares no endpoint.")
        yield rule, declared


def _models(declared: Endpoint) -> Iterator[tuple[type[BaseModel], Use]]:
    if declared.query is not None:
        yield declared.query, "taken"
    for body in declared.bodies.values():
        if body is not None:
            yield body, "taken"
    for answer in declared.answers.values():
        model, _ = responses.parts_of(answer)
        if model is not None:
            yield model, "answered"
