"""What the comparison of policies reports, and that ours keeps its promise on a short run."""

import io

import pytest
from rich.console import Console

from benchmarks.eviction import FURTHER, GOALS, OURS, limits_for, measure_eviction
from benchmarks.eviction_table import print_eviction
from vram.simulator.report import POLICIES
from vram.simulator.synthetic import HABITS


@pytest.fixture(scope="module")
def report() -> dict[str, object]:
    return measure_eviction(seeds=1, requests=1000)


def cells(report: dict[str, object]) -> list[dict[str, object]]:
    found = report["cells"]
    assert isinstance(found, list)
    return found


def test_every_load_is_tried_at_three_capacities(report: dict[str, object]) -> None:
    tried = [(cell["trace"], cell["share"]) for cell in cells(report)]

    assert tried == [(name, share) for name in HABITS for share in (0.25, 0.4, 0.6)]


def test_every_policy_is_between_the_bound_and_its_report(report: dict[str, object]) -> None:
    for cell in cells(report):
        policies = cell["policies"]
        assert isinstance(policies, dict)
        assert set(policies) == set(POLICIES)
        assert policies["lru"]["against_lru"] == 1.0
        assert min(one["against_lru"] for one in policies.values()) >= cell["bound_against_lru"]


def test_ours_keeps_its_promise_even_on_a_short_run(report: dict[str, object]) -> None:
    for cell in cells(report):
        if cell["trace"] in FURTHER:
            continue
        ours = cell["policies"][OURS]  # type: ignore[index]  # as the test above asserts
        # A short load gives less to learn from; the whole benchmark's goal is 0.35.
        assert ours["against_lru"] <= GOALS.get(str(cell["trace"]), 0.5), cell


def test_the_classic_policies_take_in_whatever_is_asked_for() -> None:
    assert limits_for("lru").evictions_per_minute == 0
    assert limits_for("rent").evictions_per_minute > 0


def test_the_table_fits_a_terminal_and_tells_where_the_goal_is_missed(
    report: dict[str, object],
) -> None:
    console = Console(file=io.StringIO(), width=80)

    print_eviction(report | {"missed": ["scan at 0.6"]}, console)

    text = console.file.getvalue()  # type: ignore[attr-defined]  # it is a StringIO
    assert "…" not in text
    assert "Goal missed: scan at 0.6." in text
    assert text.count("grouped_batch *") == 3
