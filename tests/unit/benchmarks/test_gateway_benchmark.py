"""The gateway's benchmark measures what it says, with a few clients for a moment."""

import io
from pathlib import Path

import pytest
from PIL import Image
from rich.console import Console

from benchmarks.gateway import Load, measure_gateway
from benchmarks.gateway_table import print_gateway
from workers.settings.process import Settings

pytestmark = [pytest.mark.redis, pytest.mark.fleet]


def test_every_phase_is_measured_with_clients_that_stay(tmp_path: Path) -> None:
    photo = tmp_path / "photo.jpg"
    Image.new("RGB", (64, 48), (200, 120, 90)).save(photo)
    load = Load(waiting=6, submitters=2, seconds=0.5, repetitions=1)

    report = measure_gateway(Settings(), photo, load, console=Console(file=io.StringIO()))

    medians = report["medians"]
    for name in ("accepted", "waiting", "waiting_paced", "bare", "gthread", "gthread_waiting"):
        assert medians[name]["photos"] >= 2
        assert 0 < medians[name]["p50_ms"] <= medians[name]["max_ms"]
    assert medians["waiting"]["waiting_before"] == medians["waiting"]["waiting_after"] == 6
    assert 0 < medians["of_bare"] < 1

    shown = io.StringIO()
    print_gateway(report, Console(file=shown, width=160))
    assert "bare route" in shown.getvalue()
