"""`facesocial calibrate`: a collection's job or a folder, as tables, JSON and plots."""

import json
from collections.abc import Callable
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image, ImageOps
from rich.table import Table
from typer.testing import CliRunner, Result

from cli.calibrate import CollectionOrFolder
from cli.calibration_report import calibration_report
from cli.calibration_tables import comparisons_table, notes_of, searches_table, sentence
from cli.labelled_folder import calibrate_embeddings, labelled_photos
from cli.main import app
from client.testing import MADE, ScriptedGateway
from models.catalogue import load_catalogue
from models.errors import EvaluationDataMissing
from models.evaluation.plots import LOOKS, write_plots
from models.results import Embedding, EmbeddingModel
from models.weights.store import WeightStore
from workers.identities.calibration_answer import CalibrateAnswer

MODEL = EmbeddingModel(id="net", sha256="a" * 64, preprocessing_version="1")


def answer(persons: int = 60, faces: int = 3) -> CalibrateAnswer:
    rng = np.random.default_rng(2)
    found = []
    for person in range(persons):
        middle = rng.normal(size=24)
        for _ in range(faces):
            row = middle + 0.4 * rng.normal(size=24)
            vector = (row / np.linalg.norm(row)).astype(np.float32)
            found.append((f"p{person}", Embedding(vector=vector, model=MODEL)))
    return calibrate_embeddings("people", found)


def cells(table: Table) -> list[list[str]]:
    columns = [column.cells for column in table.columns]
    return [list(map(str, row)) for row in zip(*columns, strict=True)]


def test_the_tables_show_every_threshold_with_what_it_really_lets_through() -> None:
    found = answer()

    comparisons, searches = cells(comparisons_table(found)), cells(searches_table(found))

    assert sentence(found).startswith("people: 180 faces of 60 persons by net, 180 pairs of one")
    assert [row[0] for row in comparisons] == ["0.01", "0.005"]
    assert comparisons[0][1] == f"{found.points[0].similarity:.4f}"
    assert comparisons[0][2] == f"{found.points[0].far_low:.2g} to {found.points[0].far_high:.2g}"
    assert [row[0] for row in searches] == ["0.2", "0.1"]
    assert searches[0][3] == "216"


def test_what_could_not_be_measured_is_told_with_its_reason() -> None:
    notes = notes_of(answer())

    assert notes[0].startswith(
        "No threshold for a false accept rate of 0.001: So few persons make its pairs"
    )
    assert notes[1].startswith(
        "No threshold for a false accept rate of 0.0001: 15930 pairs of different"
    )
    assert notes[-1] == (
        "No threshold for searches that may name 0.01, 0.001 of strangers: too few persons."
    )


def test_without_pairs_of_one_person_the_true_accept_rate_is_unknown() -> None:
    assert cells(comparisons_table(answer(faces=1)))[0][3] == "unknown"


def test_the_plots_are_of_the_similarities_and_of_the_thresholds(tmp_path: Path) -> None:
    report = calibration_report(answer())

    written = write_plots([report], tmp_path)

    assert {curve.kind for curve in report.curves} == {"scores", "thresholds"} <= set(LOOKS)
    for curve in report.curves:
        if curve.kind == "scores":
            assert sum(curve.y) == pytest.approx(1)
    assert [path.name for path in written] == [
        "calibration_net_scores.png",
        "calibration_net_thresholds.png",
    ]
    assert all(path.stat().st_size > 1000 for path in written)


def test_a_folder_s_photos_know_whom_they_show(tmp_path: Path) -> None:
    for name in ("anna/1.jpg", "anna/2.PNG", "b_c/x.webp", "d_e_0001.jpg", "f.jpeg", "notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()

    found = [(person, path.name) for person, path in labelled_photos(tmp_path)]

    assert sorted(found) == [
        ("anna", "1.jpg"),
        ("anna", "2.PNG"),
        ("b_c", "x.webp"),
        ("d_e", "d_e_0001.jpg"),
        ("f", "f.jpeg"),
    ]


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(EvaluationDataMissing, match="is no folder"):
        list(labelled_photos(tmp_path / "nowhere"))


def test_one_of_a_collection_and_a_folder_has_to_be_named(
    command: Callable[..., Result], tmp_path: Path
) -> None:
    for arguments in ((), ("album", "--data", str(tmp_path))):
        assert isinstance(command("calibrate", *arguments).exception, CollectionOrFolder)


def test_a_collection_is_measured_by_its_gateway(
    command: Callable[..., Result], scripted: ScriptedGateway, tmp_path: Path
) -> None:
    found = answer().model_dump(mode="json", exclude_unset=True)
    ended = {"id": "job_1", "state": "succeeded", "created_at": MADE, "result": found}
    scripted.answers = [httpx.Response(200, json=ended)] * 2

    printed = command("calibrate", "album", "--json", "--plots", str(tmp_path)).stdout
    table = command("calibrate", "album").stdout

    assert json.loads(printed) == found
    assert [request.url.path for request in scripted.requests] == [
        "/api/v1/collections/album/calibrate"
    ] * 2
    assert len(list(tmp_path.iterdir())) == 2
    for word in (
        "false accept rate",
        "strangers named, at most",
        "No threshold for a false accept rate of",
    ):
        assert word in table


@pytest.mark.weights
def test_a_folder_is_measured_in_this_process(
    weights: WeightStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FACESOCIAL_WEIGHTS_DIR", str(weights.root.absolute()))
    with Image.open(weights.path(load_catalogue().samples["t1"].file)) as photo:
        photo.convert("RGB").save(tmp_path / "friend_1.png")
        ImageOps.mirror(photo.convert("RGB")).save(tmp_path / "friend_2.png")

    result = CliRunner().invoke(app, ["calibrate", "--data", str(tmp_path), "--json"])

    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert (found["model"], found["faces"], found["persons"]) == ("sface", 2, 1)
    assert (found["genuine_pairs"], found["points"]) == (1, [])
    assert len(found["unsupported"]) == 4


@pytest.mark.weights
def test_a_folder_without_a_face_is_told(
    weights: WeightStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FACESOCIAL_WEIGHTS_DIR", str(weights.root.absolute()))

    result = CliRunner().invoke(app, ["calibrate", "--data", str(tmp_path)])

    assert result.exit_code == 1
    assert result.stderr.strip() == f"{tmp_path} has no photo with a face."
