"""`facesocial vram simulate`, with loads that need no weights."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cli.vram import app
from vram.errors import TraceInvalid

LOAD = """\
{"define": "small", "vram_mib": 100, "load_ms": 400, "gpu_ms": 5, "cpu_ms": 60}
{"define": "large", "vram_mib": 300, "load_ms": 900, "gpu_ms": 9, "cpu_ms": 200}
"""


@pytest.fixture
def load(tmp_path: Path) -> Path:
    path = tmp_path / "load.jsonl"
    requests = [
        json.dumps({"at_ms": number * 100, "model": "large" if number % 5 == 0 else "small"})
        for number in range(100)
    ]
    path.write_text(LOAD + "\n".join(requests))
    return path


def simulate(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["simulate", *(str(one) for one in arguments)])


def test_a_file_on_a_card_under_every_policy(load: Path) -> None:
    result = simulate("--trace", load, "--capacity", "400", "--json")

    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert told["trace"]["working_set_mib"] == 400
    assert set(told["at_capacity"]["policies"]) == {"lru", "gdsf", "weighted", "rent", "residency"}
    # Both fit: each is loaded once, and nobody could do with less.
    rent = told["at_capacity"]["policies"]["rent"]
    assert (rent["loads"], rent["cpu_share"], rent["work_seconds"]) == (2, 0.0, 1.3)
    assert told["at_capacity"]["lower_bound_seconds"] == 1.3
    assert told["by_size"] == []


def test_without_a_capacity_ten_sizes_are_tried_and_the_smallest_that_does_is_named(
    load: Path,
) -> None:
    result = simulate("--trace", load, "--policy", "rent", "--json")

    told = json.loads(result.stdout)
    assert [one["capacity_mib"] for one in told["by_size"]] == list(range(40, 401, 40))
    assert told["enough_mib"] == {"rent": 400}
    assert told["at_capacity"] is None


def test_the_table_says_what_card_that_is(load: Path) -> None:
    result = simulate("--trace", load, "--policy", "rent")

    # Driver 200, context 450, headroom 256.
    assert "400 MiB for models serve 99 of 100" in result.stdout
    assert "1306 MB" in result.stdout


def test_a_load_by_name_needs_nothing() -> None:
    result = simulate("--synthetic", "cycle", "--capacity", "3000", "--policy", "lru", "--json")

    assert json.loads(result.stdout)["trace"]["requests"] == 4000


@pytest.mark.parametrize("suffix", ["svg", "png"])
def test_the_sizes_can_be_drawn(load: Path, tmp_path: Path, suffix: str) -> None:
    plot = tmp_path / "plots" / f"sizes.{suffix}"

    result = simulate("--trace", load, "--capacity", "400", "--plot", plot)

    assert result.exit_code == 0, result.output
    assert plot.read_bytes()[:5] == (b"<?xml" if suffix == "svg" else b"\x89PNG\r")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--capacity", "1"], "give one of"),
        (["--synthetic", "zipf", "--photos", "1"], "give one of"),
        (["--synthetic", "nowhere"], "no load 'nowhere'"),
        (["--synthetic", "zipf", "--policy", "best"], "no policy 'best'"),
        (["--synthetic", "zipf", "--plot", "plot.pdf"], ".svg or .png"),
    ],
)
def test_a_wrong_wish_is_refused_and_says_why(arguments: list[str], told: str) -> None:
    result = simulate(*arguments)

    assert result.exit_code == 2
    assert told in " ".join(result.output.replace("│", " ").split())


def test_a_file_that_is_wrong_is_an_error_of_ours(tmp_path: Path) -> None:
    path = tmp_path / "wrong.jsonl"
    path.write_text("{")

    result = simulate("--trace", path)

    assert isinstance(result.exception, TraceInvalid)


def test_without_matplotlib_the_plot_says_what_to_install(load: Path, tmp_path: Path) -> None:
    script = (
        "import sys; sys.modules['matplotlib'] = None; sys.argv[0] = 'facesocial';"
        "from cli.main import run; run()"
    )
    command = ["vram", "simulate", "--trace", str(load), "--plot", str(tmp_path / "plot.svg")]

    result = subprocess.run(
        [sys.executable, "-c", script, *command], capture_output=True, text=True, check=False
    )

    assert result.returncode == 1
    assert result.stderr.splitlines()[-1].endswith("install `facesocial[evaluation]`.")
    assert "Traceback" not in result.stderr
