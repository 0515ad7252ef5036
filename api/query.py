"""Query parameters: those a route declares, each once, and no others."""

import typing
from collections.abc import Sequence
from types import UnionType
from typing import Any, TypeVar

from flask import request
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from api.endpoint import current_endpoint
from api.errors import ApiError, invalid_options

Query = TypeVar("Query", bound=BaseModel)


def check_query() -> None:
    """Refuse parameters the route doesn't declare; hooked in before every view.

    Routes without limits are left alone: probes and browsers add parameters of their own.

    Raises:
        ApiError: a name is not known, or one that takes a single value came twice.
    """
    declared = current_endpoint()
    if declared is None or declared.bucket == "free":
        return
    fields = declared.query.model_fields if declared.query else {}
    for name in request.args:
        if name not in fields:
            raise ApiError("unknown_option", f"There is no parameter '{name}'.", field=name)
        if len(request.args.getlist(name)) > 1 and not _is_list(fields[name]):
            raise ApiError("validation_error", f"{name}: was sent more than once.", field=name)


def query_of(model: type[Query]) -> Query:
    """The request's parameters as the model that the route declares.

    Raises:
        ApiError: a value is wrong, or a parameter is missing.
    """
    given: dict[str, Any] = {}
    for name, values in request.args.lists():
        field = model.model_fields.get(name)
        given[name] = values if field is not None and _is_list(field) else values[0]
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise invalid_options(error) from None


def _is_list(field: FieldInfo) -> bool:
    """Whether a parameter may be repeated: its type is a sequence, or one or nothing."""
    kinds = [field.annotation]
    if typing.get_origin(field.annotation) in {UnionType, typing.Union}:
        kinds = list(typing.get_args(field.annotation))
    origins = [typing.get_origin(kind) or kind for kind in kinds]
    return any(
        isinstance(origin, type) and issubclass(origin, Sequence) and not issubclass(origin, str)
        for origin in origins
    )
