"""`python -m benchmarks gpu-check`: options, where results go, exit status."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import structlog
import typer
from rich.console import Console

from benchmarks.errors import BenchmarkFailed
from benchmarks.gpu_check.report import Report, to_json, to_markdown
from benchmarks.gpu_check.run import CAP_MIB, STEPS, Plan, check_device
from workers.settings.process import load_settings

#: The part of docs/gpu-check.md that a run replaces.
_RESULT = re.compile(r"(<!-- gpu-check: result -->\n).*(<!-- /gpu-check -->)", re.DOTALL)


def gpu_check(  # noqa: PLR0913 - the command's options
    *,
    device: Annotated[str, typer.Option(help="Which card.")] = "cuda:0",
    cap_mb: Annotated[
        int, typer.Option(min=1024, help="Treat a larger card as one of that size.")
    ] = CAP_MIB,
    simulated: Annotated[
        int | None,
        typer.Option(min=300, metavar="MB", help="Check a simulated device; tests this tool only."),
    ] = None,
    steps: Annotated[
        str, typer.Option(metavar="A,B", help=f"Only these of: {', '.join(STEPS)}.")
    ] = "",
    inferences: Annotated[int, typer.Option(min=1, help="Of the long run.")] = 50_000,
    minutes: Annotated[float, typer.Option(min=0.1, help="When all must end.")] = 9.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, not Markdown.")] = False,
    out: Annotated[Path | None, typer.Option(help="Write the JSON here too.")] = None,
    page: Annotated[
        Path | None, typer.Option(help="Replace the result in this page; never by a simulated one.")
    ] = None,
) -> None:
    """Check the whole GPU path on a card; without one, say why and end with status 1."""
    if simulated is not None and page is not None:
        raise BenchmarkFailed("A simulated device's result never goes into a page.")
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger("error"))
    plan = Plan(
        device=device,
        cap_mib=cap_mb,
        simulated_mib=simulated,
        steps=_named(steps),
        inferences=inferences,
        minutes=minutes,
    )

    def keep(report: Report) -> None:
        # After each step: a run that is killed, or that hangs, has shown what it has shown.
        if out is not None:
            out.parent.mkdir(parents=True, exist_ok=True)
            out.write_text(_json(report) + "\n", encoding="utf-8")

    report = check_device(load_settings(), plan, Console(stderr=True), keep)
    if page is not None:
        write_page(page, report)
    print(_json(report) if as_json else to_markdown(report))
    if not report.passed:
        raise typer.Exit(2)


def write_page(page: Path, report: Report) -> None:
    """Put a report in the place of the last one.

    Raises:
        BenchmarkFailed: the device was a simulated one, or the page has no place for it.
    """
    if report.simulated:
        raise BenchmarkFailed("A simulated device's result never goes into a page.")
    before = page.read_text(encoding="utf-8")
    text = to_markdown(report)
    after, places = _RESULT.subn(lambda found: f"{found[1]}\n{text}\n{found[2]}", before)
    if not places:
        raise BenchmarkFailed(f"{page} has no part between the marks of gpu-check.")
    page.write_text(after, encoding="utf-8")


def _json(report: Report) -> str:
    return json.dumps(to_json(report), indent=2)


def _named(steps: str) -> Sequence[str]:
    return tuple(name.strip() for name in steps.split(",") if name.strip()) or tuple(STEPS)
