"""What every route says of itself: who may call it, what it takes, what it answers.

The declaration is the one source for the authentication hook, the limits, the OpenAPI document and
the tests that go through all routes. A route without one keeps the app from starting.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from flask import Flask, current_app, g, request
from pydantic import BaseModel

from api.principal import Principal, Scope

#: Which limit a call counts towards; see `api.limits`. free: none (health, documents).
Bucket = Literal["free", "read", "write", "analysis", "batch", "login"]

View = TypeVar("View", bound=Callable[..., Any])
_ATTRIBUTE = "facesocial_endpoint"


@dataclass(frozen=True, kw_only=True, slots=True)
class Endpoint:
    """A route's declaration."""

    #: The right it takes. None with `is_open` False: any authenticated caller.
    scope: Scope | None = None
    #: Whether it answers callers without a credential.
    is_open: bool = False
    bucket: Bucket = "read"
    #: Group in the document: "analyses", "jobs", "batches", "live", "accounts", "system" …
    tag: str
    #: Query parameters.
    query: type[BaseModel] | None = None
    #: Request headers of its own, by their names in `api.openapi.parameters`; "!" before one that
    #: must be sent.
    headers: tuple[str, ...] = ()
    #: Request body by media type. None: bytes; the media type says what they are.
    bodies: Mapping[str, type[BaseModel] | None] = field(default_factory=dict)
    #: Whether a request without a body is in order.
    body_optional: bool = False
    #: Status -> JSON model, or media types for anything else, or both, or None for no body.
    answers: Mapping[int, type[BaseModel] | str | tuple[type[BaseModel], str] | None] = field(
        default_factory=dict
    )
    #: Codes of problems beyond those every endpoint may answer; see `api.problems`.
    problems: tuple[str, ...] = ()
    #: Whether `Idempotency-Key` is honoured. On every POST that makes something.
    idempotent: bool = False


def endpoint(declared: Endpoint) -> Callable[[View], View]:
    """Mark a view; the innermost decorator, under `blueprint.get` and its like."""

    def mark(view: View) -> View:
        setattr(view, _ATTRIBUTE, declared)
        return view

    return mark


def declared_endpoint(app: Flask, name: str) -> Endpoint | None:
    """What the view of that Flask endpoint declared; None for Flask's own."""
    view = app.view_functions.get(name)
    return getattr(view, _ATTRIBUTE, None)


def current_endpoint() -> Endpoint | None:
    """The declaration of the route that serves this request; None where no route matched."""
    return declared_endpoint(current_app, request.endpoint) if request.endpoint else None


def require_declarations(app: Flask) -> None:
    """Refuse to start with a route nobody has decided about.

    Raises:
        AssertionError: names the routes.
    """
    names = {rule.endpoint for rule in app.url_map.iter_rules()} - {"static"}
    missing = sorted(name for name in names if declared_endpoint(app, name) is None)
    if missing:
        raise AssertionError(f"These routes declare no endpoint: {', '.join(missing)}.")


def principal() -> Principal:
    """Who asks. Set by the authentication hook before any view runs, on open endpoints too."""
    caller: Principal = g.principal
    return caller
