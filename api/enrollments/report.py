"""The report of an enrolment, made of its items' ends: so it is as exact as these are."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from api.batches.table import cell, csv_line
from api.enrollments.report_row import COLUMNS, ReportRow, conflict, refusal


@dataclass(kw_only=True, slots=True)
class Tally:
    """What a report's rows add up to."""

    outcomes: Counter[str] = field(default_factory=Counter)
    #: Refused photos by code, and enrolled ones by what is to be known of them.
    reasons: Counter[str] = field(default_factory=Counter)
    warnings: Counter[str] = field(default_factory=Counter)
    #: Photos that resemble somebody else, enrolled or not.
    conflicts: int = 0
    #: Whom photos show, and of whom one was enrolled, now or before.
    named: set[str] = field(default_factory=set)
    enrolled: set[str] = field(default_factory=set)

    def count(self, row: ReportRow) -> None:
        """Add a row."""
        self.outcomes[row.outcome] += 1
        self.warnings.update(row.warnings)
        self.conflicts += bool(row.similar_person_id)
        if row.code:
            self.reasons[row.code] += 1
        if row.person_id:
            self.named.add(row.person_id)
            if row.outcome in {"enrolled", "duplicate"}:
                self.enrolled.add(row.person_id)

    def body(self, people: Mapping[str, bool]) -> dict[str, Any]:
        """The sums.

        Args:
            people: Of the batch: by id whether it made that person.
        """
        made = {one for one in self.named if people.get(one, False)}
        return {
            "photos": {
                "total": self.outcomes.total(),
                "enrolled": self.outcomes["enrolled"],
                "duplicate": self.outcomes["duplicate"],
                "refused": self.outcomes["refused"],
                "waiting": self.outcomes["waiting"],
                "cancelled": self.outcomes["cancelled"],
            },
            "reasons": dict(sorted(self.reasons.items())),
            "warnings": dict(sorted(self.warnings.items())),
            "persons": {
                "named": len(self.named),
                "made": len(made),
                "enrolled": len(self.enrolled),
                "without_face": len(self.named - self.enrolled),
            },
        }


def report_json(
    head: Mapping[str, Any], rows: Callable[[], Iterable[ReportRow]], people: Mapping[str, bool]
) -> Iterator[str]:
    """The report as one JSON object, told while it is read: first the lists, then the sums.

    Args:
        head: Members that come first.
        rows: Reads all of them; only sums of them are kept. Read again if there are conflicts.
        people: See Tally.body.
    """
    tally = Tally()
    yield json.dumps(head)[:-1] + ', "refused": ['
    yield from _listed(refusal(row) for row in _counted(rows(), tally) if row.outcome == "refused")
    yield '], "conflicts": ['
    if tally.conflicts:
        yield from _listed(conflict(row) for row in rows() if row.similar_person_id)
    yield "], " + json.dumps(tally.body(people))[1:]


def _counted(rows: Iterable[ReportRow], tally: Tally) -> Iterator[ReportRow]:
    for row in rows:
        tally.count(row)
        yield row


def _listed(told: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Elements of a JSON array."""
    comma = ""
    for one in told:
        yield comma + json.dumps(one)
        comma = ", "


def report_csv(rows: Iterable[ReportRow]) -> Iterator[str]:
    """The report as a table (RFC 4180): a line for each photo, the columns' names first."""
    yield csv_line(COLUMNS)
    for row in rows:
        told = {name: getattr(row, name) for name in COLUMNS}
        told["warnings"] = " ".join(row.warnings)
        yield csv_line([cell(told[name]) for name in COLUMNS])
