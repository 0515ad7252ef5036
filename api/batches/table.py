"""Results as a table (CSV): one row for each face, and one for each item without."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from workers.batches.records import Item

#: Of an item.
_ITEM = ("number", "id", "state", "error_code", "error_message", "faces")
#: Of a face: column, and where its value is in the result.
_FACE = {
    "x": ("bbox", "x"),
    "y": ("bbox", "y"),
    "width": ("bbox", "width"),
    "height": ("bbox", "height"),
    "confidence": ("confidence",),
    "quality": ("quality", "score"),
    "age": ("demographics", "age", "value"),
    "age_group": ("demographics", "age", "group"),
    "gender": ("demographics", "gender", "value"),
    "gender_confidence": ("demographics", "gender", "confidence"),
    "anti_spoofing": ("anti_spoofing", "outcome"),
    "anti_spoofing_score": ("anti_spoofing", "score"),
    "deepfake": ("deepfake", "verdict"),
    "deepfake_score": ("deepfake", "score"),
}
COLUMNS = (*_ITEM, "face", *_FACE)
#: Spreadsheets take a cell that begins so for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_lines(items: Iterable[Item]) -> Iterator[str]:
    """The table, a line at a time, its head first; RFC 4180."""
    yield csv_line(COLUMNS)
    for item in items:
        for row in _rows(item):
            yield csv_line([cell(row.get(column)) for column in COLUMNS])


def _rows(item: Item) -> Iterator[Mapping[str, Any]]:
    result = json.loads(item.result_json) if item.result_json else {}
    faces = result.get("faces") or []
    common = {
        "number": item.number,
        "id": item.custom_id,
        "state": item.state,
        "error_code": item.error and item.error.code,
        "error_message": item.error and item.error.message,
        "faces": len(faces) if item.result_json else None,
    }
    if not faces:
        yield common
    for number, face in enumerate(faces, start=1):
        found = {column: _at(face, path) for column, path in _FACE.items()}
        yield {**common, "face": number, **found}


def _at(value: object, path: tuple[str, ...]) -> object:
    """A value deep in a result; None where an analysis was not asked for or not done."""
    for name in path:
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return value


def cell(value: object) -> object:
    """A value as spreadsheets are to see it: nothing begins like a formula."""
    if isinstance(value, str) and value.startswith(_FORMULA):
        return "'" + value
    return "" if value is None else value


def csv_line(cells: Iterable[object]) -> str:
    """A line of a table (RFC 4180), with its end."""
    written = io.StringIO()
    csv.writer(written).writerow(cells)
    return written.getvalue()
