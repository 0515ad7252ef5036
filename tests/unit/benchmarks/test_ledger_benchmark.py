"""The ledger's benchmark measures what it says, on fleets small enough for a test."""

import io

import pytest
from rich.console import Console

from benchmarks.ledger import measure_ledger
from benchmarks.ledger_fleet import Size
from benchmarks.ledger_table import print_ledger

pytestmark = pytest.mark.redis
SIZES = (Size(devices=1, models=10), Size(devices=3, models=20))


def test_every_kind_of_call_is_measured_for_every_size_beside_a_bare_script() -> None:
    report = measure_ledger(calls=5, console=Console(file=io.StringIO()), sizes=SIZES)

    assert report["bare_evalsha"]["of_bare"] == 1.0
    assert [(size["devices"], size["models"]) for size in report["sizes"]] == [(1, 10), (3, 20)]
    for size in report["sizes"]:
        # Both cost more than either, whatever else the machine does.
        assert 0 < size["both"]["per_second"] < size["route"]["per_second"]
        assert size["both"]["p50_ms"] > size["reserve"]["p50_ms"] > 0
    assert report["sizes"][0]["route"]["p50_of_smallest"] == 1.0

    shown = io.StringIO()
    print_ledger(report, Console(file=shown, width=120))
    assert "bare script" in shown.getvalue()
