"""A list of photos that are elsewhere: one JSON object a line (NDJSON)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Literal

from flask import json
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from api.batches.archive_limits import ArchiveLimits
from api.batches.entries import Refused, unnamed, wrong_id
from api.errors import ApiError
from api.whole_body import Readable

#: Longest line; ids and addresses are far shorter.
LONGEST_LINE_BYTES = 16 * 1024
_READ_BYTES = 64 * 1024


class ManifestLine(BaseModel):
    """A photo of a manifest: where it is, and what it is called."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    #: The item's id; that of the upload or the address when there is none.
    id: Annotated[str, Field(min_length=1)] | None = None
    #: Id of a complete resumable upload.
    upload: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    #: A public address.
    url: Annotated[str, Field(min_length=1, max_length=2048)] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Reference:
    """A photo that is elsewhere."""

    id: str
    kind: Literal["upload", "url"]
    #: Id of the upload, or the address.
    place: str


def manifest_lines(stream: Readable, limits: ArchiveLimits) -> Iterator[Reference | Refused]:
    """What each line says, in order; one that can't be read is refused as an item.

    Raises:
        ApiError: `batch_too_large`, or a line is longer than LONGEST_LINE_BYTES.
    """
    for number, line in enumerate(_lines(stream), start=1):
        limits.check_entries(number)
        yield _read(line, number)


def _read(line: bytes, number: int) -> Reference | Refused:
    try:
        # Lists in lists in lists exhaust the parser's stack.
        told = ManifestLine.model_validate(json.loads(line))
    except (ValueError, RecursionError, ValidationError) as error:
        return Refused(id=unnamed(number), code="invalid_line", message=_why(error))
    if (told.upload is None) == (told.url is None):
        message = "A line names one of 'upload' and 'url'."
        return Refused(id=unnamed(number), code="invalid_line", message=message)
    place = told.upload or told.url or ""
    name = told.id or place
    if why := wrong_id(name):
        return Refused(id=unnamed(number), code="unsafe_name", message=why)
    return Reference(id=name, kind="upload" if told.upload else "url", place=place)


def _why(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(map(str, first["loc"]))
        return f"{where or 'The line'}: {first['msg']}."
    return "The line is no JSON."


def _lines(stream: Readable) -> Iterator[bytes]:
    """Lines that hold something, without their ends."""
    rest = b""
    while data := stream.read(_READ_BYTES):
        *whole, rest = (rest + data).split(b"\n")
        yield from filter(bytes.strip, whole)
        if len(rest) > LONGEST_LINE_BYTES:
            raise ApiError("invalid_request", f"A line is longer than {LONGEST_LINE_BYTES} bytes.")
    if rest.strip():
        yield rest
