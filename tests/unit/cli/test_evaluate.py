"""`facesocial evaluate` as a user meets it: reports, plots, thresholds, refusals."""

import json
from pathlib import Path

import pytest
import typer
from PIL import Image
from typer.testing import CliRunner, Result

from cli.evaluate import app
from cli.evaluation_output import told_in_one_line
from cli.evaluators import threshold_entry
from models.catalogue import load_catalogue, parse_catalogue
from models.errors import ThresholdsMissing
from models.evaluation.report import Report
from models.evaluation.verification_report import VerificationResult
from models.spec import OperatingPoint, VerificationThresholds
from models.weights.store import WeightStore

ROOT = Path(__file__).resolve().parents[3]
REPORT = Report(
    task="verification", model="net", data="set", protocol="p", counts={}, figures=(), curves=()
)
COMMANDS = ("detection", "verification", "liveness", "deepfake", "demographics")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments), catch_exceptions=False)


@pytest.fixture
def tiny(weights: WeightStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Six people, each as they are and mirrored: the second face of everybody is the first's."""
    monkeypatch.setenv("FACESOCIAL_WEIGHTS_DIR", str(weights.root.absolute()))
    folder = tmp_path / "tiny"
    (folder / "images").mkdir(parents=True)
    # Left and top of squares of 250 pixels around the six faces of the sample photo "t1".
    corners = [(0, 208), (195, 86), (394, 216), (673, 284), (827, 2), (1030, 211)]
    with Image.open(weights.path(load_catalogue().samples["t1"].file)) as photo:
        for number, (left, top) in enumerate(corners):
            face = photo.convert("RGB").crop((left, top, left + 250, top + 250))
            face.save(folder / "images" / f"p{number}_1.png")
            face.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(
                folder / "images" / f"p{number}_2.png"
            )
    lines = ["fold,same,file_a,file_b"]
    for number in range(6):
        fold = number % 2 + 1
        lines.append(f"{fold},1,p{number}_1.png,p{number}_2.png")
        lines.append(f"{fold},0,p{number}_1.png,p{(number + 1) % 6}_2.png")
    (folder / "pairs.csv").write_text("\n".join(lines))
    return folder


@pytest.mark.weights
def test_a_report_is_one_json_object_and_its_plots_are_files(tiny: Path, tmp_path: Path) -> None:
    result = run(
        "verification",
        *("--data", str(tiny), "--model", "sface", "--json", "--plots", str(tmp_path / "plots")),
    )

    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    figures = {figure["name"]: figure["value"] for figure in report["figures"]}
    assert (report["task"], report["model"], report["data"]) == ("verification", "sface", "tiny")
    assert report["counts"]["faces not found"] == 0
    assert figures["accuracy"] == 1.0
    assert [path.name for path in (tmp_path / "plots").iterdir()] == ["verification_sface_roc.png"]


@pytest.mark.weights
def test_several_models_and_an_ensemble_are_measured_in_one_run(tiny: Path) -> None:
    names = ["face_recognition_sface", "mobilefacenet", "sface+mobilefacenet_512"]

    result = run(
        "verification", "--data", str(tiny), "--json", *(f"--model={name}" for name in names)
    )

    reports = [json.loads(line) for line in result.stdout.splitlines()]
    assert [report["model"] for report in reports] == [
        "sface",
        "mobilefacenet_512",
        "mobilefacenet_512+sface",
    ]
    d_primes = [
        figure["value"]
        for report in reports
        for figure in report["figures"]
        if figure["name"] == "d'"
    ]
    assert len(set(d_primes)) == 3
    assert min(d_primes) > 3


@pytest.mark.weights
def test_the_table_shows_every_figure_and_note(tiny: Path) -> None:
    result = run("verification", "--data", str(tiny), "--model", "sface")

    assert result.exit_code == 0, result.output
    assert "verification: sface on tiny" in result.stdout
    for word in ("accuracy", "AUC", "d'", "fold 2", "12 pairs", "Note: "):
        assert word in result.stdout


@pytest.mark.weights
def test_a_set_that_is_too_small_gives_no_thresholds(tiny: Path) -> None:
    result = run("verification", "--data", str(tiny), "--model", "sface", "--thresholds")

    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.splitlines() == ["tiny has too few pairs to measure thresholds."]


@pytest.mark.weights
@pytest.mark.parametrize(
    ("model", "complaint"),
    [
        ("resnet", "No model 'resnet'"),
        ("yunet", "'yunet' does detection, not recognition"),
        ("sface+sface", "names a model twice"),
    ],
)
def test_a_model_that_can_t_be_measured_is_one_line_on_stderr(
    tiny: Path, model: str, complaint: str
) -> None:
    result = run("verification", "--data", str(tiny), "--model", model)

    assert result.exit_code == 1
    assert complaint in result.stderr
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize("command", COMMANDS)
def test_without_weights_the_command_says_what_to_do(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FACESOCIAL_WEIGHTS_DIR", str(tmp_path / "none"))
    names = {"detection": ["--model", "yunet"], "verification": ["--model", "sface"]}

    result = run(command, "--data", str(tmp_path), *names.get(command, []))

    assert result.exit_code == 1, result.output
    assert len(result.stderr.splitlines()) == 1
    assert "facesocial models pull" in result.stderr


@pytest.mark.weights
@pytest.mark.parametrize("command", COMMANDS)
def test_without_data_the_command_names_what_is_missing(
    command: str, weights: WeightStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FACESOCIAL_WEIGHTS_DIR", str(weights.root.absolute()))
    names = {"detection": ["--model", "yunet"], "verification": ["--model", "sface"]}

    result = run(command, "--data", str(tmp_path / "absent"), *names.get(command, []))

    assert result.exit_code == 1, result.output
    assert len(result.stderr.splitlines()) == 1
    assert str(tmp_path / "absent") in result.stderr


@pytest.mark.weights
def test_pictures_of_a_set_of_crops_are_not_searched_for_faces(
    weights: WeightStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FACESOCIAL_WEIGHTS_DIR", str(weights.root.absolute()))
    data = tmp_path / "dfdc_faces"
    data.mkdir()
    lines = ["file,is_fake"]
    for number in range(4):
        Image.new("RGB", (64, 64), (40 * number, 90, 90)).save(data / f"{number}.png")
        lines.append(f"{number}.png,{number % 2}")
    (data / "labels.csv").write_text("\n".join(lines))

    result = run("deepfake", "--data", str(data), "--json")

    # One colour each: whoever searches them finds no face and measures nothing.
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["counts"]["faces not found"] == 0


@pytest.mark.parametrize("module", ["sklearn.metrics", "matplotlib", "scipy"])
def test_a_missing_library_of_the_extra_is_one_clear_line(
    module: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(typer.Exit) as leaving, told_in_one_line():
        raise ModuleNotFoundError(name=module)

    assert leaving.value.exit_code == 1
    assert capsys.readouterr().err == f"{module} is missing: install facesocial[evaluation].\n"


def test_any_other_missing_module_is_a_fault_and_not_hidden() -> None:
    with pytest.raises(ModuleNotFoundError), told_in_one_line():
        raise ModuleNotFoundError(name="models.nowhere")


@pytest.mark.parametrize("model", ["sface", "mobilefacenet_512+sface"])
def test_printed_thresholds_are_a_catalogue_entry(model: str) -> None:
    measured = VerificationThresholds(
        points=(
            OperatingPoint(far=1e-2, similarity=0.2981, tar=0.9961),
            OperatingPoint(far=1e-5, similarity=0.4, tar=0.5),
        ),
        genuine_pairs=3,
        impostor_pairs=4,
        origin=f"set: facesocial evaluate verification --model {model} --thresholds",
    )
    named = Report(task="verification", model=model, data="set", protocol="", counts={}, figures=())

    text = threshold_entry(VerificationResult(report=named, thresholds=measured))

    entries = (ROOT / "models" / "entries").glob("recognition*.toml")
    catalogue = parse_catalogue(text, *(path.read_text(encoding="utf-8") for path in entries))
    assert catalogue.thresholds == {model: measured}


def test_thresholds_that_were_not_measured_are_not_printed() -> None:
    with pytest.raises(ThresholdsMissing, match="too few pairs"):
        threshold_entry(VerificationResult(report=REPORT, thresholds=None))
