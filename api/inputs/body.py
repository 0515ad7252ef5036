"""Reading the body of a request with files: a form, or JSON with base64, under the same names."""

import base64
import binascii
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, NoReturn, cast

from flask import Request
from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import RequestEntityTooLarge

from api.errors import ApiError
from api.images import too_large_file
from api.inputs.forms import Form, Slot
from api.inputs.json_files import json_members
from api.offload import offload

#: Room for boundaries, headers and options around the files of a form.
FORM_OVERHEAD_BYTES = 64 * 1024
#: Members and elements of a JSON body. Files in base64 are few and long; small things take up to
#: thirty times their text in memory, and nobody else is served while they are made.
MOST_JSON_VALUES = 20_000
#: One of these stands before each of them, and in no base64.
_SEPARATORS = (b",", b"[", b"{")


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """How much a request may hold."""

    #: Of each file.
    file_bytes: int
    #: Of a JSON body, which is held in memory.
    json_bytes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """A file of a request: here, or at a URL."""

    #: Where it stands in the request, such as "image2" or "images.1".
    field: str
    #: Seekable. The request closes it.
    file: BinaryIO | None = None
    url: str | None = None
    #: What its sender calls the file; "" where it came without a name.
    name: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sent:
    """What a request holds."""

    #: In the order of the form's slots.
    sources: tuple[Source, ...]
    #: Everything else: form fields, or members of the JSON object.
    members: Mapping[str, Any]


def read_body(request: Request, form: Form, limits: Limits) -> Sent:
    """The files and the other members of a request.

    Nothing is fetched. Files of a form are on disk from half a megabyte on.

    Raises:
        ApiError: the request can't be read, lacks a file, has too many, or is too large.
    """
    if request.mimetype == "multipart/form-data":
        return _read_form(request, form, limits)
    if request.mimetype == "application/json":
        return _read_json(request, form, limits)
    names = ", ".join(f"'{slot.name}'" for slot in form.slots)
    raise ApiError(
        "unsupported_media_type",
        f"Send multipart/form-data with the file {names}, or application/json with base64 there.",
    )


def _read_form(request: Request, form: Form, limits: Limits) -> Sent:
    request.max_content_length = form.most_files * limits.file_bytes + FORM_OVERHEAD_BYTES
    try:
        files, fields = request.files, request.form
    except RequestEntityTooLarge:
        if (request.content_length or 0) <= request.max_content_length:
            raise ApiError("invalid_request", "The form has too many or too long fields.") from None
        raise too_large_file(limits.file_bytes, field=form.slots[0].name) from None
    members: dict[str, Any] = {
        name: values[0] if len(values) == 1 else values for name, values in fields.lists()
    }
    known = {name for slot in form.slots for name in slot.names}
    if unknown := set(files) - known:
        name = min(unknown)
        raise ApiError("unknown_option", f"There is no file field '{name}'.", field=name)

    def given(_: Slot, name: str) -> list[FileStorage]:
        # A text where a file belongs is none; `_sources` says that it is missing.
        members.pop(name, None)
        return files.getlist(name)

    def source(field: str, value: object) -> Source:
        file = cast("FileStorage", value)
        return Source(field=field, file=cast("BinaryIO", file.stream), name=file.filename or "")

    sources = [one for slot in form.slots for one in _sources(slot, given, source, members)]
    return Sent(sources=tuple(sources), members=members)


def _read_json(request: Request, form: Form, limits: Limits) -> Sent:
    # Base64 takes four characters for three bytes.
    whole_bytes = form.most_files * limits.file_bytes * 4 // 3 + FORM_OVERHEAD_BYTES
    request.max_content_length = min(whole_bytes, limits.json_bytes)

    def given(slot: Slot, name: str) -> list[object]:
        return _listed(slot, members.pop(name, None))

    try:
        with json_members(request, parse_json) as members:
            sources = [
                one for slot in form.slots for one in _sources(slot, given, _of_json, members)
            ]
    except RequestEntityTooLarge:
        if whole_bytes <= limits.json_bytes:
            raise too_large_file(limits.file_bytes, field=form.slots[0].name) from None
        raise ApiError(
            "file_too_large",
            f"A JSON body may have {limits.json_bytes} bytes. Send larger files as a form.",
        ) from None
    return Sent(sources=tuple(sources), members=members)


def _sources(
    slot: Slot,
    given: Callable[[Slot, str], Sequence[object]],
    source: Callable[[str, object], Source],
    members: dict[str, Any],
) -> Sequence[Source]:
    """The files of a slot, under whichever of its names they came.

    Args:
        slot: Of the form.
        given: The values under a name; takes them out of the members.
        source: Makes a source of a path in the request and such a value.
        members: Loses what is a URL of the slot's.
    """
    found: list[Source] = []
    for name, url_name in slot.members.items():
        values = given(slot, name)
        path = name if slot.most == 1 else name + ".{}"
        found += [source(path.format(number), value) for number, value in enumerate(values)]
        urls = _listed(slot, members.pop(url_name, None))
        path = url_name if slot.most == 1 else url_name + ".{}"
        found += [_of_url(path.format(number), url) for number, url in enumerate(urls)]
    if not found and slot.fewest:
        raise ApiError("missing_field", f"'{slot.name}' is missing.", field=slot.name)
    if not slot.fewest <= len(found) <= slot.most:
        if slot.most == 1:
            raise ApiError("missing_field", f"'{slot.name}' came more than once.", field=slot.name)
        count = f"{slot.fewest} to {slot.most} files"
        raise ApiError("validation_error", f"{slot.name}: expected {count}.", field=slot.name)
    return found


def _listed(slot: Slot, value: object) -> list[object]:
    """The values of a member; a list is several only where several are taken."""
    if value is None:
        return []
    return value if slot.most > 1 and isinstance(value, list) else [value]


def _of_json(field: str, value: object) -> Source:
    if isinstance(value, str):
        return Source(field=field, file=io.BytesIO(decode_base64(value, field=field)))
    if isinstance(value, dict) and set(value) == {"url"}:
        return _of_url(f"{field}.url", value["url"])
    raise ApiError(
        "missing_field", f"'{field}' is neither base64 nor an object with a 'url'.", field=field
    )


def _of_url(field: str, value: object) -> Source:
    if not isinstance(value, str):
        raise ApiError("validation_error", f"{field}: expected a URL.", field=field)
    return Source(field=field, url=value)


def decode_base64(text: str, *, field: str) -> bytes:
    """The bytes of a base64 text, or of a `data:` URL with one.

    Args:
        text: As it was sent.
        field: Where.

    Raises:
        ApiError: it is none.
    """
    if text.startswith("data:"):
        text = text.partition(",")[2]
    try:
        return offload(base64.b64decode, text, validate=True)
    except (binascii.Error, ValueError):
        detail = f"'{field}' is not valid base64."
        raise ApiError("invalid_request", detail, field=field) from None


def parse_json(text: bytes) -> dict[str, Any]:
    """The members of a JSON object; numbers JSON does not know are refused.

    Raises:
        ApiError: the text is no JSON object.
    """
    if sum(map(text.count, _SEPARATORS)) > MOST_JSON_VALUES:
        detail = f"The body has more than {MOST_JSON_VALUES} members and elements."
        raise ApiError("invalid_request", detail)
    try:
        body = json.loads(text, parse_constant=_refuse)
        if b"\\" in text or not text.isascii():
            # Half a character pair is a string to JSON, and to nobody else.
            json.dumps(body, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise ApiError("invalid_request", "The body is not valid JSON.") from None
    if not isinstance(body, dict):
        raise ApiError("invalid_request", "The body is not a JSON object.")
    return body


def _refuse(name: str) -> NoReturn:
    raise ValueError(name)
