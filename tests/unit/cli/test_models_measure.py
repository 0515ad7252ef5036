"""`facesocial models measure`: what is measured, printed and written."""

import json
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cli.models import app
from models.errors import UnknownModel, WeightsMissing
from models.memory import MemoryTable, load_memory_table
from models.weights.store import WeightStore


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["measure", *arguments])


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FACESOCIAL_WEIGHTS_DIR", str(tmp_path / "weights"))
    return tmp_path


def test_nothing_installed_is_nothing_to_measure(empty: Path) -> None:
    result = run("--json")

    assert json.loads(result.stdout) == []
    assert list(empty.iterdir()) == []


@pytest.mark.parametrize(("name", "error"), [("sface", WeightsMissing), ("nobody", UnknownModel)])
@pytest.mark.usefixtures("empty")
def test_a_named_model_has_to_be_there(name: str, error: type[Exception]) -> None:
    assert isinstance(run(name).exception, error)


@pytest.mark.usefixtures("empty")
def test_a_tflite_model_is_told_to_take_none() -> None:
    result = run("blazeface_short", "--json")

    assert json.loads(result.stdout) == []
    assert "blazeface_short runs on the CPU everywhere" in result.stderr


@pytest.mark.weights
def test_a_measurement_replaces_one_line_of_the_table_and_keeps_the_rest(
    weights: WeightStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FACESOCIAL_WEIGHTS_DIR", str(weights.root))
    written = tmp_path / "memory.toml"

    result = run("cydral_gender", "--json", "--write", str(written))

    assert result.exit_code == 0
    (row,) = json.loads(result.stdout)
    assert row["model"] == "cydral_gender"
    assert row["basis"] == "measured_cpu_arena"
    assert list(row["run_mib"]) == ["1", "2", "4", "8", "16"]
    table = MemoryTable.model_validate(tomllib.loads(written.read_text()))
    shipped = load_memory_table()
    assert set(table.models) == set(shipped.models)
    assert table.models["sface"] == shipped.models["sface"]
    assert table.runtime.startswith("onnxruntime")
