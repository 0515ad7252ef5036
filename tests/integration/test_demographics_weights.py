"""Age and gender with the real weights, on labelled faces and a photo of six people."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from models.catalogue import load_catalogue
from models.demographics.families import open_demographics
from models.demographics.port import DemographicsEstimator
from models.detection.search import FaceSearch, SearchOptions
from models.detection.yunet import YuNet
from models.evaluation.demographics import evaluate_demographics, on_nearest_face
from models.evaluation.images import read_image
from models.evaluation.report import Report
from models.loading import open_network
from models.results import DetectedFace, Image
from models.weights.store import WeightStore

pytestmark = pytest.mark.weights

CATALOGUE = load_catalogue()
#: Photos of UTKFace that are measured here: every sixteenth of 800.
EVERY = 16

Find = Callable[[Image], Sequence[DetectedFace]]


@pytest.fixture(scope="module")
def find(weights: WeightStore) -> Find:
    search = FaceSearch(YuNet(open_network(weights, CATALOGUE, CATALOGUE.model("yunet"))))
    options = SearchOptions(min_confidence=0.5, max_faces=100)
    return lambda image: search.find(image, options).faces


@pytest.fixture(scope="module")
def pair(weights: WeightStore) -> DemographicsEstimator:
    names = ("cydral_gender", "cydral_age")
    return open_demographics(
        *(open_network(weights, CATALOGUE, CATALOGUE.model(name)) for name in names)
    )


@pytest.fixture(scope="module")
def joint(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> DemographicsEstimator:
    """The network of 2018, imported by its hash."""
    store = WeightStore(tmp_path_factory.mktemp("weights"), fetchers={})
    store.import_from(shared / "models" / "insightface_gender_age_v1_2018.onnx", CATALOGUE)
    return open_demographics(open_network(store, CATALOGUE, CATALOGUE.model("gender_age_v1")))


@pytest.fixture(scope="module")
def some_faces(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A part of UTKFace: its labels, and links to its photos."""
    folder = tmp_path_factory.mktemp("utkface")
    (folder / "images").symlink_to(shared / "data" / "utkface" / "images")
    head, *rows = (shared / "data" / "utkface" / "labels.csv").read_text().splitlines()
    (folder / "labels.csv").write_text("\n".join([head, *rows[::EVERY]]) + "\n")
    return folder


def figure(report: Report, name: str) -> float:
    return next(figure.value for figure in report.figures if figure.name == name)


def test_the_pair_reads_labelled_faces_as_measured(
    some_faces: Path, find: Find, pair: DemographicsEstimator
) -> None:
    report = evaluate_demographics(some_faces, on_nearest_face(find, pair), model="pair")

    # On all 800: MAE 7.4 years, gender 89 %, ranges 82 %. Swapped labels would be right on 11 %.
    assert figure(report, "MAE") < 10
    assert figure(report, "gender accuracy") > 0.8
    assert figure(report, "age range coverage") > 0.7


def test_the_network_of_2018_reads_labelled_faces_as_measured(
    some_faces: Path, find: Find, joint: DemographicsEstimator
) -> None:
    report = evaluate_demographics(some_faces, on_nearest_face(find, joint), model="joint")

    # On all 800: MAE 7.6 years, gender 78 %, ranges 80 %.
    assert figure(report, "MAE") < 10
    assert figure(report, "gender accuracy") > 0.65
    assert figure(report, "age range coverage") > 0.65


def test_six_people_are_read_as_they_look(
    weights: WeightStore, find: Find, joint: DemographicsEstimator
) -> None:
    image = read_image(weights.path(CATALOGUE.samples["t1"].file))
    faces = sorted(find(image), key=lambda face: face.box.x)

    found = joint.estimate(image, faces)

    # Three women and three men between 22 and 31, by this network's own published converter.
    assert sorted(one.gender.value for one in found) == ["female"] * 3 + ["male"] * 3
    assert all(18 <= one.age.years <= 36 for one in found)
