"""`facesocial models` as a user meets it."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
import structlog
from onnx import TensorProto, helper
from typer.testing import CliRunner, Result

from cli.models import app
from models.catalogue import fetchable, load_catalogue
from models.spec import PinnedFile
from models.testing import tiny_onnx
from models.weights.store import WeightStore

CATALOGUE = load_catalogue()
IDS = sorted(CATALOGUE.models)
LITE = [spec.id for spec in CATALOGUE.of_profile("lite")]
#: A model without a published hash.
UNPINNED = "yolov10n_face"


def file_of(name: str) -> PinnedFile:
    [file] = fetchable([CATALOGUE.model(name)])
    return file


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
    assert result.stdout.count("facesocial models pull") == len(LITE)


def test_the_list_of_a_profile_has_its_models_only(empty: Path) -> None:
    rows = json.loads(run("list", "--profile", "full", "--json").stdout)

    assert {row["profile"] for row in rows} == {"full"}, empty
    unpinned = next(row for row in rows if row["id"] == UNPINNED)
    assert unpinned["import_only"]
    assert unpinned["sha256"] is None


def test_a_name_without_weights_is_one_line_with_the_reason(empty: Path) -> None:
    result = run("pull", "fairface_cnn")

    assert result.exit_code == 1, empty
    assert result.stderr.startswith("There are no weights for 'fairface_cnn'.")
    assert len(result.stderr.splitlines()) == 1


def test_a_model_that_can_only_be_imported_is_told_so(empty: Path) -> None:
    result = run("pull", UNPINNED)

    assert result.exit_code == 1, empty
    assert f"facesocial models import FILE --as {UNPINNED}" in result.stderr


def test_one_download_that_fails_does_not_stop_the_others(
    empty: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # No tool that downloads is found, so each file fails by itself.
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    result = run("pull", "cydral_age", "yunet", "sface")

    assert result.exit_code == 1, empty
    told = [
        line.removeprefix("No source delivered ").split(".onnx")[0]
        for line in result.stderr.splitlines()
        if line.startswith("No source")
    ]
    assert told == [
        "age-v1",
        "face_detection_yunet_2023mar_int8bq",
        "face_recognition_sface_2021dec_int8bq",
    ]


def test_a_model_without_a_hash_is_imported_by_name_and_refused_when_it_is_another(
    empty: Path, tmp_path: Path
) -> None:
    (tmp_path / "other.onnx").write_bytes(tiny_onnx())

    result = run("import", str(tmp_path / "other.onnx"), "--as", UNPINNED)

    assert result.exit_code == 1, empty
    assert f"{UNPINNED}: input 'images': expected float32[1, 3, 640, 640]" in result.stderr
    assert run("verify", UNPINNED).exit_code == 1


def _graph_like_yolov10() -> bytes:
    """From (1, 3, 640, 640) to (1, 300, 6), the mean in every place."""
    ones = helper.make_tensor("ones", TensorProto.FLOAT, (1, 300, 6), [1.0] * 1800)
    graph = helper.make_graph(
        [
            helper.make_node("ReduceMean", ["images"], ["mean"], axes=[1, 2, 3], keepdims=0),
            helper.make_node("Mul", ["mean", "ones"], ["output0"]),
        ],
        "like_yolov10",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, (1, 3, 640, 640))],
        [helper.make_tensor_value_info("output0", TensorProto.FLOAT, (1, 300, 6))],
        initializer=[ones],
    )
    opset = [helper.make_opsetid("", 17)]
    return bytes(helper.make_model(graph, opset_imports=opset, ir_version=8).SerializeToString())


def test_an_imported_model_without_a_published_hash_is_listed_with_its_own(
    empty: Path, tmp_path: Path
) -> None:
    content = _graph_like_yolov10()
    (tmp_path / "mine.onnx").write_bytes(content)

    imported = run("import", str(tmp_path / "mine.onnx"), "--as", UNPINNED)
    rows = {row["id"]: row for row in json.loads(run("list", "--json").stdout)}
    path = Path(run("path", "yolo_v10n").stdout.strip())

    sha256 = hashlib.sha256(content).hexdigest()
    assert imported.exit_code == 0, empty
    assert sha256 in imported.stdout
    assert (rows[UNPINNED]["sha256"], rows[UNPINNED]["state"]) == (sha256, "prepared")
    assert run("verify", UNPINNED).exit_code == 0
    path.write_bytes(content[:-1] + b"!")
    damaged = run("path", UNPINNED)
    assert damaged.exit_code == 1
    assert "is damaged" in damaged.stderr


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

    states = {row["id"]: row["state"] for row in json.loads(listed.stdout)}
    assert {states[name] for name in LITE} == {"prepared"}, full
    problems = {row["id"]: row["problem"] for row in json.loads(verified.stdout)}
    assert verified.exit_code == 0
    assert problems.keys() >= set(LITE)
    assert set(problems.values()) == {None}


@pytest.mark.weights
def test_pull_of_a_full_store_prints_what_is_run_and_fetches_nothing(full: WeightStore) -> None:
    result = run("pull", "yunet", "face_recognition_sface")

    spec = CATALOGUE.model("yunet")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[0] == f"yunet: {full.prepared(spec)}"
    assert result.stdout.splitlines()[1].startswith("sface: ")


@pytest.mark.weights
def test_path_prints_a_file_and_nothing_else(full: WeightStore) -> None:
    result = run("path", "cydral_age")

    assert result.stdout == f"{full.path(file_of('cydral_age'))}\n"


@pytest.mark.weights
def test_weights_carried_over_by_hand_are_imported_and_prepared(
    weights: WeightStore, empty: Path
) -> None:
    small = file_of("landmarks68")

    imported = run("import", str(weights.path(small)))
    path = run("path", "landmarks68")

    assert imported.exit_code == 0
    assert small.name in imported.stdout
    assert Path(path.stdout.strip()).is_relative_to(empty)


@pytest.mark.weights
def test_verify_reports_a_damaged_file_and_a_damaged_graph(
    weights: WeightStore, empty: Path
) -> None:
    for name in ("cydral_age", "landmarks68"):
        run("import", str(weights.path(file_of(name))))
    store = WeightStore(empty)
    store.path(file_of("cydral_age")).write_bytes(b"damaged")
    store.prepared(CATALOGUE.model("landmarks68")).write_bytes(b"damaged")

    result = run("verify", "--json")

    problems = {row["id"]: row["problem"] for row in json.loads(result.stdout)}
    assert result.exit_code == 1
    assert "is damaged" in problems["cydral_age"]
    assert "prepared graph of landmarks68" in problems["landmarks68"]
    assert "is not in the weight store" in problems["sface"]
