"""Lines of an import: what each holds, or why it can't be taken."""

import base64
import binascii
import json
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from api.client_ids import ClientId
from api.identities.bodies import PersonChanges
from api.identities.vectors import WrongEmbedding, of_float32
from api.whole_body import Readable

#: Longest line: 8192 numbers of 20 characters, and the rest.
LONGEST_LINE_BYTES = 256 * 1024
_READ_BYTES = 64 * 1024
#: Numbers of an embedding.
_FEWEST_NUMBERS, _MOST_NUMBERS = 2, 8192


class LineRefused(Exception):
    """A line can't be taken."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class _Line(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=True)


class ContractLine(_Line):
    """What made embeddings."""

    model: Annotated[str, Field(min_length=1, max_length=500)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    preprocessing_version: Annotated[str, Field(min_length=1, max_length=64)]
    dimensions: Annotated[int, Field(ge=_FEWEST_NUMBERS, le=_MOST_NUMBERS)]


class CollectionLine(_Line):
    """The collection the lines after it are from."""

    kind: Literal["collection"]
    id: str = ""
    title: str = ""
    contract: ContractLine | None = None


class PersonLine(PersonChanges):
    """A person."""

    kind: Literal["person"]
    id: ClientId


class FaceLine(_Line):
    """A face: whose it is, and its embedding."""

    kind: Literal["face"] = "face"
    person_id: ClientId
    #: Of an export; made of the embedding where there is none.
    id: Annotated[str, Field(pattern=r"^face_[0-9a-f]{32}$")] | None = None
    #: Numbers, L2 norm 1.
    embedding: Annotated[list[float], Field(max_length=_MOST_NUMBERS, fail_fast=True)] | None = None
    #: The same as float32, little endian, in base64.
    embedding_base64: str | None = None
    quality: Annotated[float, Field(ge=0, le=1)] | None = None
    source_sha256: Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")] = ""
    model: Annotated[str, Field(min_length=1, max_length=500)] | None = None
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None
    preprocessing_version: Annotated[str, Field(min_length=1, max_length=64)] | None = None

    def vector(self) -> list[float]:
        """The embedding.

        Raises:
            LineRefused: it is missing, there are two, or it can't be read.
        """
        found = self._numbers()
        if not _FEWEST_NUMBERS <= len(found) <= _MOST_NUMBERS:
            message = f"No model's embeddings have {len(found)} numbers."
            raise LineRefused("embedding_dimensions", message)
        return found

    def _numbers(self) -> list[float]:
        if (self.embedding is None) == (self.embedding_base64 is None):
            message = "A face has one of 'embedding' and 'embedding_base64'."
            raise LineRefused("line_invalid", message)
        if self.embedding is not None:
            return self.embedding
        try:
            return of_float32(base64.b64decode(self.embedding_base64 or "", validate=True))
        except WrongEmbedding as error:
            raise LineRefused(error.code, str(error)) from None
        except (binascii.Error, ValueError):
            raise LineRefused("line_invalid", "'embedding_base64' is not valid base64.") from None


class EndLine(_Line):
    """The end of an export."""

    kind: Literal["end"]
    persons: int = 0
    faces: int = 0


ImportLine = CollectionLine | PersonLine | FaceLine | EndLine
_LINES: dict[object, TypeAdapter[ImportLine]] = {
    "collection": TypeAdapter(CollectionLine),
    "person": TypeAdapter(PersonLine),
    "face": TypeAdapter(FaceLine),
    "end": TypeAdapter(EndLine),
}


def read_line(line: bytes) -> ImportLine:
    """What a line holds.

    Raises:
        LineRefused: it can't be read.
    """
    try:
        told = json.loads(line)
        # Half a character pair is a string to JSON, and to nobody else.
        json.dumps(told, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise LineRefused("line_invalid", "The line is no JSON.") from None
    if not isinstance(told, dict):
        raise LineRefused("line_invalid", "The line is no JSON object.")
    kind = told.get("kind", "face")
    reader = _LINES.get(kind) if isinstance(kind, str) else None
    if reader is None:
        raise LineRefused("line_invalid", "kind: expected collection, person, face or end.")
    try:
        return reader.validate_python(told)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise LineRefused("line_invalid", f"{where or 'The line'}: {first['msg']}.") from None


def numbered_lines(stream: Readable) -> Iterator[tuple[int, bytes | None]]:
    """All lines with their numbers from 1, those too that hold nothing; None: one is too long."""
    number, rest, is_long = 0, b"", False
    while data := stream.read(_READ_BYTES):
        *whole, rest = (rest + data).split(b"\n")
        for line in whole:
            number += 1
            too_long = is_long or len(line) > LONGEST_LINE_BYTES
            is_long = False
            yield number, None if too_long else line
        if len(rest) > LONGEST_LINE_BYTES:
            # Its end is still to come: nothing of it is kept.
            rest, is_long = b"", True
    if is_long or rest.strip():
        yield number + 1, None if is_long or len(rest) > LONGEST_LINE_BYTES else rest
