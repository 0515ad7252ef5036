"""Answers of an operation: what it declares, and its problems with their codes."""

from http import HTTPStatus
from typing import Any

from pydantic import BaseModel

from api.answers.problem import ProblemDocument
from api.endpoint import Endpoint
from api.openapi.problems import codes_by_status
from api.openapi.schemas import Schemas
from api.problems import PROBLEM_OF_CODE

PROBLEM_TYPE = "application/problem+json"

#: Headers of answers, by the name they are referred to.
HEADERS: dict[str, dict[str, Any]] = {
    "RequestId": {
        "description": "Of this request, also in the log.",
        "schema": {"type": "string"},
    },
    "ApiVersion": {"description": "Version of the interface.", "schema": {"const": "v1"}},
    "ProcessingTime": {
        "description": "Milliseconds from the request's head to the answer's.",
        "schema": {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?$"},
    },
    "RateLimitPolicy": {
        "description": "The limits that apply, each with its quota `q` and window `w` in seconds.",
        "schema": {"type": "string"},
    },
    "RateLimit": {
        "description": "The limit nearest to its end: what remains (`r`), and the seconds until "
        "all of it is there again (`t`).",
        "schema": {"type": "string"},
    },
    "RetryAfter": {
        "description": "Seconds after which asking again makes sense.",
        "schema": {"type": "string", "pattern": "^[0-9]+$"},
    },
    "Location": {"description": "Where it is.", "schema": {"type": "string"}},
    "ETag": {"description": "Changes with the answer.", "schema": {"type": "string"}},
}
_EVERY = {
    "X-Request-ID": "RequestId",
    "X-API-Version": "ApiVersion",
    "X-Processing-Time": "ProcessingTime",
}
_LIMITED = {"RateLimit-Policy": "RateLimitPolicy", "RateLimit": "RateLimit"}


def parts_of(
    answer: type[BaseModel] | str | tuple[type[BaseModel], str] | None,
) -> tuple[type[BaseModel] | None, list[str]]:
    """An answer's model and its other media types."""
    model: type[BaseModel] | None = None
    text = ""
    if isinstance(answer, tuple):
        model, text = answer
    elif isinstance(answer, str):
        text = answer
    else:
        model = answer
    return model, [one.strip() for one in text.split(",") if one.strip()]


class Responses:
    """Answers of operations; the problems are kept once, under `components/responses`.

    Args:
        schemas: Of everything that is answered.
    """

    def __init__(self, schemas: Schemas) -> None:
        self._schemas = schemas
        #: By name.
        self.components: dict[str, Any] = {}

    def of(self, declared: Endpoint, *, has_variables: bool) -> dict[str, Any]:
        """Those of one endpoint by status, as text.

        Args:
            declared: Of the endpoint.
            has_variables: Whether its address has variable parts, so that it may not fit at all.
        """
        found = {str(status): self._answer(status, declared) for status in declared.answers}
        for status, codes in codes_by_status(declared, has_variables=has_variables).items():
            problem = self._problem(status, codes, declared)
            found[str(status)] = {"$ref": f"#/components/responses/{self._kept(status, problem)}"}
        return dict(sorted(found.items()))

    def _answer(self, status: int, declared: Endpoint) -> dict[str, Any]:
        model, media_types = parts_of(declared.answers[status])
        found: dict[str, Any] = {
            "description": _phrase(status),
            "headers": _headers(status, declared),
        }
        content = {one: {"schema": _schema_of(one)} for one in media_types}
        if model is not None:
            schema = self._schemas.reference(model, "answered")
            content = {"application/json": {"schema": schema}, **content}
            found["description"] = _first_line(model) or found["description"]
        return {**found, "content": content} if content else found

    def _problem(self, status: int, codes: tuple[str, ...], declared: Endpoint) -> dict[str, Any]:
        schema = {
            "allOf": [
                self._schemas.reference(ProblemDocument, "answered"),
                {
                    "type": "object",
                    "properties": {"status": {"const": status}, "code": {"enum": list(codes)}},
                },
            ]
        }
        return {
            "description": "; ".join(f"`{code}`: {PROBLEM_OF_CODE[code].title}" for code in codes),
            "headers": _headers(status, declared),
            "content": {PROBLEM_TYPE: {"schema": schema}},
        }

    def _kept(self, status: int, problem: dict[str, Any]) -> str:
        """The name of a problem, under which an equal one is kept or it is now."""
        base = "".join(word.capitalize() for word in _phrase(status).split())
        number, name = 1, base
        while self.components.setdefault(name, problem) != problem:
            number += 1
            name = f"{base}{number}"
        return name


def _phrase(status: int) -> str:
    """What a status is called; tus has some of its own."""
    known = {one.value: one.phrase for one in HTTPStatus}
    return known.get(status, f"Status {status}")


def _schema_of(media_type: str) -> dict[str, Any]:
    """JSON without a model may be anything, and so may an event of a stream."""
    return {} if media_type in {"application/json", "text/event-stream"} else {"type": "string"}


def _headers(status: int, declared: Endpoint) -> dict[str, Any]:
    names = dict(_EVERY)
    if declared.bucket != "free":
        names |= _LIMITED
    if status in {HTTPStatus.CREATED, HTTPStatus.ACCEPTED, HTTPStatus.SEE_OTHER}:
        names["Location"] = "Location"
    if status in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}:
        names["Retry-After"] = "RetryAfter"
    if HTTPStatus.NOT_MODIFIED in declared.answers and status < HTTPStatus.BAD_REQUEST:
        names["ETag"] = "ETag"
    return {name: {"$ref": f"#/components/headers/{own}"} for name, own in names.items()}


def _first_line(model: type[BaseModel]) -> str:
    return (model.__doc__ or "").strip().partition("\n")[0]
