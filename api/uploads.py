"""One image and its options out of a request: multipart form or JSON with base64, same names."""

import base64
import binascii
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Request, json
from pydantic import ValidationError
from werkzeug.exceptions import BadRequest, ClientDisconnected, RequestEntityTooLarge

from api.errors import ApiError, invalid_options
from api.images import too_large_file
from models.catalogue import Catalogue
from workers.choices import WrongModel, check_names
from workers.contract import ALL_ANALYSES, ANALYSES, Analysis, AnalyzeOptions

#: Room for boundaries, headers and options around the image in a form.
FORM_OVERHEAD_BYTES = 64 * 1024
IMAGE_FIELD = "image"


@dataclass(frozen=True, kw_only=True, slots=True)
class Upload:
    """What a client sent."""

    content: bytes
    options: AnalyzeOptions


def read_upload(
    request: Request,
    *,
    max_bytes: int,
    catalogue: Catalogue,
    disabled_analyses: Collection[Analysis] = (),
) -> Upload:
    """The image and the options of a request.

    Options are members beside `image`: form fields (lists by repetition or commas), or members
    of the JSON object. An `options` member holding a JSON object is taken too.

    Raises:
        ApiError: the request can't be read, lacks its image, is too large or has wrong options.
    """
    if request.mimetype == "multipart/form-data":
        content, members = _read_form(request, max_bytes)
    elif request.mimetype == "application/json":
        content, members = _read_json(request, max_bytes)
    else:
        raise ApiError(
            "unsupported_media_type",
            "Send multipart/form-data with a file field 'image', or application/json with a "
            "base64 member 'image'.",
        )
    return Upload(content=content, options=_options(members, catalogue, disabled_analyses))


def _read_form(request: Request, max_bytes: int) -> tuple[bytes, dict[str, Any]]:
    request.max_content_length = max_bytes + FORM_OVERHEAD_BYTES
    try:
        files, form = request.files, request.form
    except RequestEntityTooLarge:
        if (request.content_length or 0) <= request.max_content_length:
            raise ApiError("invalid_request", "The form has too many or too long fields.") from None
        raise too_large_file(max_bytes) from None
    if unknown := set(files) - {IMAGE_FIELD}:
        raise ApiError("unknown_option", f"There is no file field '{min(unknown)}'.")
    images = files.getlist(IMAGE_FIELD)
    if len(images) != 1:
        what = "is missing" if not images else "was sent more than once"
        raise ApiError("missing_field", f"The file field 'image' {what}.", field=IMAGE_FIELD)
    members: dict[str, Any] = {}
    for name, values in form.lists():
        members[name] = values[0] if len(values) == 1 else values
    return images[0].read(), members


def _read_json(request: Request, max_bytes: int) -> tuple[bytes, dict[str, Any]]:
    # Base64 takes four characters for three bytes.
    request.max_content_length = max_bytes * 4 // 3 + FORM_OVERHEAD_BYTES
    try:
        body = request.get_json()
    except RequestEntityTooLarge:
        raise too_large_file(max_bytes) from None
    except ClientDisconnected:
        raise
    except (BadRequest, RecursionError):
        raise ApiError("invalid_request", "The body is not valid JSON.") from None
    if not isinstance(body, dict):
        raise ApiError("invalid_request", "The body is not a JSON object.")
    text = body.pop(IMAGE_FIELD, None)
    if not isinstance(text, str):
        what = "is missing" if text is None else "is not a string"
        raise ApiError("missing_field", f"The member 'image' {what}.", field=IMAGE_FIELD)
    return _decode_base64(text), body


def _decode_base64(text: str) -> bytes:
    if text.startswith("data:"):
        text = text.partition(",")[2]
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ApiError(
            "invalid_request", "The member 'image' is not valid base64.", field=IMAGE_FIELD
        ) from None


def _options(
    members: dict[str, Any], catalogue: Catalogue, disabled_analyses: Collection[Analysis]
) -> AnalyzeOptions:
    members = {**_nested_options(members.pop("options", None)), **members}
    if unknown := set(members) - set(AnalyzeOptions.model_fields):
        name = min(unknown)
        known = ", ".join(AnalyzeOptions.model_fields)
        raise ApiError(
            "unknown_option", f"There is no option '{name}'. Known: {known}.", field=name
        )
    if "analyses" in members:
        members["analyses"] = _analyses(members["analyses"], disabled_analyses)
    try:
        options = AnalyzeOptions.model_validate(members)
    except ValidationError as error:
        raise invalid_options(error) from None
    except (ValueError, OverflowError):
        raise ApiError("validation_error", "An option's value can't be read.") from None
    try:
        check_names(options, catalogue)
    except WrongModel as error:
        raise ApiError("unknown_model", str(error), field=error.option) from None
    return options


def _nested_options(nested: object) -> Mapping[str, Any]:
    """The `options` member: an object, or its JSON text in a form field."""
    if isinstance(nested, str):
        try:
            nested = json.loads(nested)
        except (ValueError, RecursionError):
            nested = ...
    if nested is None:
        return {}
    if not isinstance(nested, dict):
        raise ApiError("invalid_request", "'options' is not a JSON object.", field="options")
    return nested


def _analyses(value: object, disabled_analyses: Collection[Analysis]) -> list[str]:
    given = value if isinstance(value, list) else [value]
    names: list[str] = []
    for item in given:
        if not isinstance(item, str):
            raise ApiError("validation_error", "analyses: expected names.", field="analyses")
        names += [name.strip() for name in item.split(",") if name.strip()]
    if ALL_ANALYSES in names:
        names += [name for name in ANALYSES if name not in disabled_analyses]
        names = [name for name in names if name != ALL_ANALYSES]
    for name in names:
        if name not in ANALYSES:
            raise ApiError(
                "unknown_analysis",
                f"There is no analysis '{name}'. Available: {', '.join(ANALYSES)}, or all.",
                field="analyses",
            )
        if name in disabled_analyses:
            raise ApiError(
                "analysis_disabled", f"'{name}' is switched off on this server.", field="analyses"
            )
    return list(dict.fromkeys(names))
