"""The list in an archive that says whom each photo shows: `manifest.csv`.

What a field holds is data: it is never run, followed or used as a path. Names are told to the store
of people alone; messages about a line hold none of its values, because items are not encrypted.
"""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from api.batches.entries import wrong_id
from api.enrollments.told_person import (
    CONSENT,
    EXTERNAL_ID,
    ID,
    METADATA,
    NAME,
    WrongPerson,
    merged,
    told_person,
)
from api.errors import ApiError
from workers.identities.records import NewPerson

#: Its name, in any folder; names of photos in it are relative to that folder.
MANIFEST_NAME = "manifest.csv"
#: Largest list: a line of it takes some hundred bytes.
MOST_BYTES = 32 * 1024 * 1024
#: Longest field, characters; `csv` takes no longer ones either.
LONGEST_FIELD = 8192
#: Columns, those of metadata included.
MOST_COLUMNS = 64
FILE = "file"
_REQUIRED = (FILE, ID)
_COLUMNS = (
    *(*_REQUIRED, NAME, EXTERNAL_ID),
    *(CONSENT + name for name in ("given_at", "purpose", "evidence", "expires_at")),
)
#: Spreadsheets of many countries put semicolons where a number has a comma.
_DELIMITERS = (",", ";", "\t")
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, kw_only=True, slots=True)
class ManifestRow:
    """A line: whom a photo shows, or why that can't be said."""

    #: Number of the line it begins on, from 1.
    line: int
    #: "" where it can't be said.
    person_id: str = ""
    #: What is wrong with it; "": nothing.
    problem: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Manifest:
    """What a list says."""

    #: By the photo's name.
    rows: Mapping[str, ManifestRow]
    #: Lines that name no photo, or one that an earlier line names.
    lost: Sequence[ManifestRow]
    #: By id.
    people: Mapping[str, NewPerson]


@dataclass(kw_only=True, slots=True)
class _Reading:
    rows: dict[str, ManifestRow] = field(default_factory=dict)
    lost: list[ManifestRow] = field(default_factory=list)
    people: dict[str, NewPerson] = field(default_factory=dict)


def read_manifest(content: bytes, *, most_rows: int) -> Manifest:
    """Read a list.

    A line that is wrong is kept with its problem, and costs its photo only.

    Args:
        content: The file: UTF-8, with or without a byte order mark; commas, semicolons or tabs.
        most_rows: Lines taken.

    Raises:
        ApiError: `invalid_manifest`: it is no such list, or has no or double or unknown columns;
            `batch_too_large`: it has more lines.
    """
    if len(content) > MOST_BYTES:
        raise _invalid(f"it is larger than {MOST_BYTES} bytes")
    records = _records(_text(content))
    _, header = next(records, (1, []))
    columns = _columns(header)
    reading = _Reading()
    for number, (line, cells) in enumerate(records, start=1):
        if number > most_rows:
            detail = f"{MANIFEST_NAME} has more than {most_rows} lines. Split it."
            raise ApiError("batch_too_large", detail)
        _take(reading, line, columns, cells)
    return Manifest(rows=reading.rows, lost=reading.lost, people=reading.people)


def _text(content: bytes) -> str:
    if content.startswith(_UTF_16):
        raise _invalid("it is UTF-16; save it as UTF-8 (in spreadsheets: CSV UTF-8)")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise _invalid(f"line {line} is no UTF-8; save it as CSV UTF-8") from None


def _records(text: str) -> Iterator[tuple[int, list[str]]]:
    """Each line that is not empty, with its number; a record in quotes may take several."""
    head = text[: text.find("\n")] if "\n" in text else text
    delimiter = max(_DELIMITERS, key=head.count)
    # Not `newline=None`: what is in quotes stays as it is.
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    begun = 1
    try:
        for cells in reader:
            if any(cells):
                yield begun, cells
            begun = reader.line_num + 1
    except csv.Error as error:
        raise _invalid(f"line {begun} can't be read: {error}") from None


def _columns(header: Sequence[str]) -> Sequence[str]:
    columns = [name.strip() for name in header]
    if missing := [name for name in _REQUIRED if name not in columns]:
        raise _invalid(f"its first line names no column '{missing[0]}'")
    if len(columns) > MOST_COLUMNS:
        raise _invalid(f"it has more than {MOST_COLUMNS} columns")
    for number, name in enumerate(columns, start=1):
        if not _is_known(name):
            known = ", ".join(_COLUMNS)
            raise _invalid(f"column {number} is none of {known}, {METADATA}<key>")
        if columns.index(name) != number - 1:
            raise _invalid(f"column {number} has the name of an earlier one")
    return columns


def _is_known(name: str) -> bool:
    is_metadata = name.startswith(METADATA) and len(name) > len(METADATA)
    return name in _COLUMNS or (is_metadata and name.isprintable())


def _take(reading: _Reading, line: int, columns: Sequence[str], cells: Sequence[str]) -> None:
    told = {
        name: value.strip() for name, value in zip(columns, cells, strict=False) if value.strip()
    }
    name = told.pop(FILE, "")
    problem = _wrong_cells(columns, cells) or _wrong_name(name, reading.rows)
    if problem:
        reading.lost.append(ManifestRow(line=line, problem=problem))
        return
    try:
        person = _agreed(reading.people, told_person(told))
    except WrongPerson as error:
        reading.rows[name] = ManifestRow(line=line, problem=str(error))
    else:
        reading.people[person.id] = person
        reading.rows[name] = ManifestRow(line=line, person_id=person.id)


def _wrong_name(name: str, rows: Mapping[str, ManifestRow]) -> str:
    if not name:
        return f"It has no {FILE}."
    if name in rows:
        return f"Line {rows[name].line} names the same file."
    return wrong_id(name) or ""


def _agreed(people: Mapping[str, NewPerson], person: NewPerson) -> NewPerson:
    """A person as all lines so far tell of them."""
    known = people.get(person.id)
    both = person if known is None else merged(known, person)
    if both is None:
        raise WrongPerson("It says otherwise of its person than an earlier line.")
    return both


def _wrong_cells(columns: Sequence[str], cells: Sequence[str]) -> str:
    if len(cells) > len(columns) and any(cells[len(columns) :]):
        return f"It has {len(cells)} fields, and there are {len(columns)} columns."
    for number, value in enumerate(cells, start=1):
        if len(value) > LONGEST_FIELD:
            return f"Its field {number} has more than {LONGEST_FIELD} characters."
        if not value.isprintable():
            return f"Its field {number} has characters that can't be printed."
    return ""


def _invalid(why: str) -> ApiError:
    return ApiError("invalid_manifest", f"{MANIFEST_NAME} can't be taken: {why}.")
