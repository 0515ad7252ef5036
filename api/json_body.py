"""A request's JSON body as a model."""

import json as plain_json
from typing import Any, NoReturn, TypeVar

from flask import json, request
from pydantic import BaseModel, ValidationError
from werkzeug.exceptions import BadRequest, ClientDisconnected, UnsupportedMediaType

from api.errors import ApiError, invalid_options
from api.offload import offload

Body = TypeVar("Body", bound=BaseModel)


def read_json(model: type[Body]) -> Body:
    """The body of the current request; a model without required members takes none at all.

    Raises:
        ApiError: it is no JSON object of the model; nothing of it is repeated in the error.
    """
    # Not by its length: a body that comes in chunks tells none.
    given = _read() if request.get_data() else {}
    _require_members(model, given)
    try:
        # JSON has booleans and numbers: neither is taken for the other.
        return model.model_validate_json(json.dumps(given), strict=True)
    except ValidationError as error:
        raise invalid_options(error) from None
    except RecursionError:  # the parser goes deeper than what looks at what it read
        raise _unreadable() from None


def read_long_json(model: type[Body], *, max_bytes: int) -> Body:
    """The same of a body with many numbers, read in a thread: others are answered meanwhile.

    Args:
        model: Has no tuples, and whole numbers on its top level only.
        max_bytes: A longer body is refused.

    Raises:
        ApiError: as `read_json` does.
    """
    request.max_content_length = max_bytes
    if request.mimetype != "application/json":
        raise ApiError("unsupported_media_type", "Send application/json.")
    return offload(_of_text, model, request.get_data())


def _of_text(model: type[Body], text: bytes) -> Body:
    try:
        given = plain_json.loads(text, parse_constant=_refuse)
        if b"\\" in text or not text.isascii():
            plain_json.dumps(given, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise _unreadable() from None
    _require_members(model, given)
    exact = {
        name: _exact(member) if isinstance(member, float) else member
        for name, member in given.items()
    }
    try:
        return model.model_validate(exact, strict=True)
    except ValidationError as error:
        raise invalid_options(error) from None


def _refuse(name: str) -> NoReturn:
    raise ValueError(name)


def _require_members(model: type[BaseModel], given: Any) -> None:  # noqa: ANN401 - any JSON
    if not isinstance(given, dict):
        raise ApiError("invalid_request", "The body is not a JSON object.")
    if unknown := set(given) - _names(model):
        name = str(min(unknown))
        raise ApiError("unknown_option", f"There is no member '{name}'.", field=name)


def _read() -> object:
    try:
        # What is nested too deep for it is refused here: nothing after it goes deeper.
        given = _exact(request.get_json())
        # Half a character pair is a string to JSON, and to nobody else.
        json.dumps(given, ensure_ascii=False).encode()
    except ClientDisconnected:
        raise
    except UnsupportedMediaType:
        raise ApiError("unsupported_media_type", "Send application/json.") from None
    except (BadRequest, RecursionError, UnicodeEncodeError):
        raise _unreadable() from None
    return given


def _unreadable() -> ApiError:
    return ApiError("invalid_request", "The body is not valid JSON.")


def _exact(value: object) -> object:
    """The same with 3 for 3.0: JSON has one kind of number."""
    if isinstance(value, dict):
        return {name: _exact(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_exact(member) for member in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _names(model: type[BaseModel]) -> set[str]:
    return {field.alias or name for name, field in model.model_fields.items()}
