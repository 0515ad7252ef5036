"""Whether the report of an enrolment is complete and right, by what was sent and what is stored."""

import csv
import io
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from benchmarks.enrollment_photos import People
from benchmarks.errors import BenchmarkFailed
from benchmarks.stack import Stack

Row = Mapping[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Checked:
    """What was found right."""

    report: Mapping[str, Any]
    rows: Sequence[Row]


def check_enrollment(stack: Stack, batch_id: str, collection: str, people: People) -> Checked:
    """Compare report, table, archive and store with each other.

    Raises:
        BenchmarkFailed: they differ; says in what.
    """
    address = f"{stack.url}/api/v1/collections/{collection}/enrollments/{batch_id}"
    report = json.loads(_text(stack, address))
    rows = list(csv.DictReader(io.StringIO(_text(stack, f"{address}?format=csv"))))
    check_rows(rows, people)
    check_sums(report, rows, people)
    export = _text(stack, f"{stack.url}/api/v1/collections/{collection}/export")
    check_store(export.splitlines(), rows)
    return Checked(report=report, rows=rows)


def check_rows(rows: Sequence[Row], people: People) -> None:
    """Every file once, with its person and an end; the troubles as they have to end."""
    sent = {*people.persons, *people.refused}
    _require(Counter(row["file"] for row in rows) == Counter(sent), "A file is missing, or twice.")
    by_file = {row["file"]: row for row in rows}
    for name, person in people.persons.items():
        _require(by_file[name]["person_id"] == person, f"{name} is told of somebody else.")
    for name, code in people.refused.items():
        found = by_file[name]["code"]
        _require(found == code, f"{name} was refused as '{found}', not as '{code}'.")
    for pair in people.twins:
        ends = sorted(by_file[name]["outcome"] for name in pair)
        fine = ends in (["duplicate", "enrolled"], ["refused", "refused"])
        _require(fine, f"The same photo twice ended as {' and '.join(ends)}: {pair[0]}.")
    left = {row["outcome"] for row in rows} - {"enrolled", "duplicate", "refused"}
    _require(not left, f"Some photos have no end: {', '.join(left)}.")


def check_sums(report: Mapping[str, Any], rows: Sequence[Row], people: People) -> None:
    """The report tells what its table does, and whom the batch made."""
    outcomes = Counter(row["outcome"] for row in rows)
    told = report["photos"]
    for name in ("enrolled", "duplicate", "refused"):
        _require(told[name] == outcomes[name], f"The report has another number of {name} photos.")
    _require(told["total"] == len(rows), "The report has another number of photos.")
    codes = Counter(row["code"] for row in rows if row["outcome"] == "refused")
    _require(report["reasons"] == dict(codes), "The report has other reasons than its table.")
    refused = [one["number"] for one in report["refused"]]
    expected = [int(row["number"]) for row in rows if row["outcome"] == "refused"]
    _require(refused == expected, "The report lists other refused photos than its table.")
    _require(report["complete"], "The report is not complete.")
    persons = len(set(people.persons.values()))
    _require(report["persons"]["made"] == persons, "The report has made other persons.")


def check_store(lines: Sequence[str], rows: Sequence[Row]) -> None:
    """The faces that are stored are those that are reported: none is lost, none is there twice.

    Args:
        lines: Of the collection's export.
        rows: Of the table.
    """
    records = [json.loads(line) for line in lines]
    _require(records[-1]["kind"] == "end", "The export broke off.")
    stored = Counter((one["person_id"], one["id"]) for one in records if one["kind"] == "face")
    reported = Counter(
        (row["person_id"], row["face_id"]) for row in rows if row["outcome"] == "enrolled"
    )
    _require(stored == reported, "Other faces are stored than are reported.")


def _text(stack: Stack, address: str) -> str:
    response = httpx.get(address, headers={"X-API-Key": stack.key}, timeout=600, trust_env=False)
    response.raise_for_status()
    return response.text


def _require(holds: bool, complaint: str) -> None:
    if not holds:
        raise BenchmarkFailed(complaint)
