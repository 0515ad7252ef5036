"""The report of a check: what was measured, against what limit, with what outcome. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

SCHEMA = 1
Figure = float | int | str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """One step's outcome."""

    step: str
    #: What it shows, as a sentence.
    title: str
    #: Measured values by name; units are in the names.
    figures: Mapping[str, Figure] = field(default_factory=dict)
    #: What must hold; empty: nothing, it is only measured.
    limit: str = ""
    #: None: nothing had to hold, or it could not be done on this device.
    passed: bool | None = None
    #: What went wrong, or why it was not done.
    note: str = ""
    #: Whether it was to be done on this device and was not, or not to its end: nothing is shown.
    unfinished: bool = False
    #: Tables: name → rows.
    rows: Mapping[str, Sequence[Mapping[str, Figure]]] = field(default_factory=dict)
    seconds: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """A whole check."""

    #: ISO 8601, UTC.
    checked_at: str
    #: Whether the device exists only as numbers: such a report says nothing of any card.
    simulated: bool
    #: What the driver calls it, its uuid and driver, runtime, cap: by name.
    device: Mapping[str, Figure]
    #: What was loaded: real weights or own graphs.
    setup: Mapping[str, Figure]
    checks: Sequence[Check]

    @property
    def passed(self) -> bool:
        """Whether everything was done, and everything that had to hold held."""
        return not any(check.passed is False or check.unfinished for check in self.checks)


def to_json(report: Report) -> dict[str, Any]:
    """The report for programs."""
    return {
        "benchmark": "gpu-check",
        "schema": SCHEMA,
        "checked_at": report.checked_at,
        "simulated": report.simulated,
        "passed": report.passed,
        "device": dict(report.device),
        "setup": dict(report.setup),
        "checks": [asdict(check) for check in report.checks],
    }


def to_markdown(report: Report) -> str:
    """The report for people."""
    what = "a SIMULATED device: it says nothing of any card" if report.simulated else "a real card"
    lines = [
        f"Checked on {report.checked_at}, on {what}. {_outcome(report)}",
        "",
        "| | |",
        "| --- | --- |",
        *(f"| {_words(name)} | {_cell(value)} |" for name, value in report.device.items()),
        *(f"| {_words(name)} | {_cell(value)} |" for name, value in report.setup.items()),
    ]
    for check in report.checks:
        lines += ["", *_section(check)]
    return "\n".join(lines) + "\n"


def _outcome(report: Report) -> str:
    failed = [check.step for check in report.checks if check.passed is False]
    unfinished = [check.step for check in report.checks if check.unfinished]
    told = [f"Failed: {', '.join(failed)}."] if failed else []
    if unfinished:
        told.append(f"Not finished: {', '.join(unfinished)}.")
    return f"**{' '.join(told) or 'All limits held.'}**"


def _section(check: Check) -> list[str]:
    word = {True: "passed", False: "FAILED", None: "measured"}[check.passed]
    if check.unfinished and check.passed is None:
        word = "NOT FINISHED"
    elif check.passed is None and check.note and not check.figures:
        word = "not done"
    lines = [f"### {check.step}: {word}", "", f"{check.title} ({check.seconds:.1f} s)"]
    if check.limit:
        lines.append(f"Limit: {check.limit}.")
    if check.note:
        lines.append(f"Note: {check.note}")
    if check.figures:
        lines += ["", "| figure | value |", "| --- | --- |"]
        lines += [f"| {_words(name)} | {_cell(value)} |" for name, value in check.figures.items()]
    for name, rows in check.rows.items():
        if rows:
            lines += ["", f"{name}:", "", *_table(rows)]
    return lines


def _table(rows: Sequence[Mapping[str, Figure]]) -> list[str]:
    names = list(rows[0])
    return [
        "| " + " | ".join(_words(name) for name in names) + " |",
        "| " + " | ".join("---" for _ in names) + " |",
        *("| " + " | ".join(_cell(row.get(name)) for name in names) + " |" for row in rows),
    ]


def _words(name: str) -> str:
    return name.replace("_", " ")


def _cell(value: Figure) -> str:
    if value is None:
        return "-"
    text = f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
    return text.replace("|", "\\|")
