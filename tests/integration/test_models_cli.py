"""`facesocial models` as a user meets it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import structlog
from typer.testing import CliRunner, Result

from cli.models import app
from models.catalogue import load_catalogue
from models.store import WeightStore

IDS = sorted(load_catalogue().models)


@pytest.fixture(autouse=True)
def _logging_as_before() -> None:
    structlog.reset_defaults()


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FACESOCIAL_WEIGHTS_DIR", str(tmp_path / "weights"))
    return tmp_path / "weights"


@pytest.fixture
def full(weights: WeightStore, monkeypatch: pytest.MonkeyPatch) -> WeightStore:
    monkeypatch.setenv("FACESOCIAL_WEIGHTS_DIR", str(weights.root))
    return weights


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments), catch_exceptions=False)


def test_an_empty_store_lists_every_model_as_missing(empty: Path) -> None:
    result = run("list", "--json")

    rows = json.loads(result.stdout)
    assert sorted(row["id"] for row in rows) == IDS
    assert {row["state"] for row in rows} == {"missing"}
    assert not empty.exists()


def test_the_table_names_every_model(empty: Path) -> None:
    result = run("list")

    assert result.exit_code == 0
    assert all(name in result.stdout for name in IDS), empty


def test_verify_fails_on_an_empty_store_and_says_what_to_do(empty: Path) -> None:
    result = run("verify")

    assert result.exit_code == 1, empty
    assert result.stdout.count("facesocial models pull") == len(IDS)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["path", "resnet"], "No model 'resnet'"),
        (["pull", "resnet"], "No model 'resnet'"),
        (["path", "yunet"], "facesocial models pull"),
        (["import", "/absent"], "There is no /absent"),
    ],
)
def test_what_goes_wrong_is_one_line_on_stderr(
    empty: Path, arguments: list[str], complaint: str
) -> None:
    result = run(*arguments)

    assert result.exit_code == 1, empty
    assert complaint in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert result.stdout == ""


def test_an_import_that_finds_nothing_fails(empty: Path, tmp_path: Path) -> None:
    (tmp_path / "usb").mkdir()

    result = run("import", str(tmp_path / "usb"))

    assert result.exit_code == 1, empty
    assert "no file of the catalogue" in result.stderr


def test_the_commands_load_neither_numpy_nor_an_inference_runtime(root: Path) -> None:
    code = "import sys, cli.models; print({'numpy', 'onnx', 'onnxruntime'} & set(sys.modules))"

    found = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True
    )

    assert found.stdout.strip() == "set()"


def test_a_wrong_setting_is_one_line_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACESOCIAL_WEIGHT_DIR", "/x")

    result = run("list")

    assert result.exit_code == 1
    assert "FACESOCIAL_WEIGHTS_DIR" in result.stderr


@pytest.mark.weights
def test_a_full_store_is_prepared_and_verified(full: WeightStore) -> None:
    listed = run("list", "--json")
    verified = run("verify", "--json")

    assert {row["state"] for row in json.loads(listed.stdout)} == {"prepared"}, full
    assert verified.exit_code == 0
    assert [row["problem"] for row in json.loads(verified.stdout)] == [None] * len(IDS)


@pytest.mark.weights
def test_pull_of_a_full_store_prints_what_is_run_and_fetches_nothing(full: WeightStore) -> None:
    result = run("pull", "yunet", "face_recognition_sface")

    spec = load_catalogue().model("yunet")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[0] == f"yunet: {full.prepared(spec)}"
    assert result.stdout.splitlines()[1].startswith("sface: ")


@pytest.mark.weights
def test_path_prints_a_file_and_nothing_else(full: WeightStore) -> None:
    result = run("path", "cydral_age")

    assert result.stdout == f"{full.path(load_catalogue().model('cydral_age').file)}\n"


@pytest.mark.weights
def test_weights_carried_over_by_hand_are_imported_and_prepared(
    weights: WeightStore, empty: Path
) -> None:
    yunet = load_catalogue().model("yunet")

    imported = run("import", str(weights.path(yunet.file)))
    path = run("path", "yunet")

    assert imported.exit_code == 0
    assert yunet.file.name in imported.stdout
    assert Path(path.stdout.strip()).is_relative_to(empty)


@pytest.mark.weights
def test_verify_reports_a_damaged_file_and_a_damaged_graph(
    weights: WeightStore, empty: Path
) -> None:
    catalogue = load_catalogue()
    run("import", str(weights.root / "files"))
    store = WeightStore(empty)
    store.path(catalogue.model("cydral_age").file).write_bytes(b"damaged")
    store.prepared(catalogue.model("sface")).write_bytes(b"damaged")

    result = run("verify", "--json")

    problems = {row["id"]: row["problem"] for row in json.loads(result.stdout)}
    assert result.exit_code == 1
    assert "is damaged" in problems["cydral_age"]
    assert "prepared graph of sface" in problems["sface"]
    assert problems["yunet"] is None
