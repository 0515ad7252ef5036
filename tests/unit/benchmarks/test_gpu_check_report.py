"""The report of a GPU check, and the page it goes into."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from benchmarks.__main__ import app
from benchmarks.errors import BenchmarkFailed
from benchmarks.gpu_check.command import write_page
from benchmarks.gpu_check.report import Check, Report, to_json, to_markdown


def _report(*checks: Check, simulated: bool = False) -> Report:
    return Report(
        checked_at="2026-01-02T03:04:05+00:00",
        simulated=simulated,
        device={"name": "Some Card", "uuid": None},
        setup={"models_with_own_graphs": 16},
        checks=checks,
    )


GOOD = Check(
    step="loads",
    title="They load.",
    figures={"load_ms_median": 12.3456, "text": "a|b"},
    limit="fast",
    passed=True,
    rows={"models": [{"model": "sface", "taken_mib": 190}, {"model": "yunet", "taken_mib": None}]},
)
BAD = Check(step="soak", title="It stays.", passed=False, note="It grew.")
UNFINISHED = Check(step="eviction", title="It evicts.", note="No time.", unfinished=True)
LEFT_OUT = Check(step="killed", title="It frees.", note="Only a real card can answer this.")


@pytest.mark.parametrize(
    ("checks", "passed"),
    [((GOOD, LEFT_OUT), True), ((GOOD, BAD), False), ((GOOD, UNFINISHED), False), ((), True)],
)
def test_one_limit_that_is_not_held_fails_the_whole(
    checks: tuple[Check, ...], *, passed: bool
) -> None:
    report = _report(*checks)

    assert report.passed is passed
    assert to_json(report)["passed"] is passed
    assert ("**All limits held.**" in to_markdown(report)) is passed


def test_a_reader_sees_figures_limits_and_tables() -> None:
    text = to_markdown(_report(GOOD, BAD, LEFT_OUT))

    assert "**Failed: soak.**" in text
    assert "### loads: passed" in text
    assert "| load ms median | 12.35 |" in text
    assert "| text | a\\|b |" in text
    assert "| sface | 190 |" in text
    assert "| yunet | - |" in text
    assert "### soak: FAILED" in text
    assert "Note: It grew." in text
    assert "### killed: not done" in text
    assert "on a real card" in text


def test_what_was_not_finished_is_neither_passed_nor_failed() -> None:
    text = to_markdown(_report(GOOD, UNFINISHED))

    assert "**Not finished: eviction.**" in text
    assert "### eviction: NOT FINISHED" in text
    assert "**Failed: soak. Not finished: eviction.**" in to_markdown(_report(BAD, UNFINISHED))


def test_a_simulated_device_s_report_says_so() -> None:
    report = _report(GOOD, simulated=True)

    assert "SIMULATED device: it says nothing of any card" in to_markdown(report)
    assert to_json(report)["simulated"] is True


def test_a_report_can_be_read_by_programs() -> None:
    read = json.loads(json.dumps(to_json(_report(GOOD))))

    assert read["checks"][0]["figures"]["load_ms_median"] == 12.3456
    assert read["device"] == {"name": "Some Card", "uuid": None}


def test_a_result_takes_the_place_of_the_last_one(tmp_path: Path, root: Path) -> None:
    page = tmp_path / "gpu-check.md"
    page.write_text((root / "docs" / "gpu-check.md").read_text())

    for card in ("First", "Second"):
        write_page(page, _report(Check(step=card, title=card, passed=True)))

    text = page.read_text()
    assert "### Second: passed" in text
    assert "First" not in text
    assert "Never run on a GPU" not in text
    assert text.startswith("# GPU check")
    assert "## How to run it" in text


def test_a_simulated_result_never_goes_into_a_page(tmp_path: Path, root: Path) -> None:
    page = tmp_path / "gpu-check.md"
    page.write_text((root / "docs" / "gpu-check.md").read_text())

    with pytest.raises(BenchmarkFailed, match="simulated"):
        write_page(page, _report(GOOD, simulated=True))
    result = CliRunner().invoke(app, ["gpu-check", "--simulated", "600", "--page", str(page)])

    assert isinstance(result.exception, BenchmarkFailed)
    assert page.read_text() == (root / "docs" / "gpu-check.md").read_text()


def test_a_page_without_a_place_for_it_is_left_alone(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Page\n")

    with pytest.raises(BenchmarkFailed, match="no part"):
        write_page(page, _report(GOOD))

    assert page.read_text() == "# Page\n"
