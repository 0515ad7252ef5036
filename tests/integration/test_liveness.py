"""The real anti-spoofing networks on labelled live faces and attacks.

They prove each entry's labels, colour order and crop: gates that a swap breaks. Figures in
comments were measured on all 300 pictures of NUAA.
"""

import csv
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from models.anti_spoofing.classifier import LivenessClassifier
from models.anti_spoofing.ensemble import LivenessEnsemble, weights_among
from models.anti_spoofing.judge import LIVE_FROM
from models.anti_spoofing.results import LivenessScores
from models.catalogue import Catalogue, load_catalogue
from models.detection.candidates import keep
from models.detection.yunet import YuNet
from models.evaluation.images import read_image
from models.evaluation.liveness import LivenessSample, evaluate_liveness
from models.geometry import suppress
from models.loading import open_network
from models.network import Network
from models.results import Box, DetectedFace, Image
from models.weights.store import WeightStore

pytestmark = pytest.mark.weights

LITE = "faceplugin_liveness"
FULL = ("antispoofing_bin", "antispoofing_print_replay", "minifasnet_v2", "minifasnet_v1se")
ALL = (LITE, *FULL)
#: Every eighth picture of NUAA: 19 live faces and 19 prints.
STEP = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Subset:
    """Part of NUAA, with faces found once."""

    images: list[Image]
    faces: list[DetectedFace]
    #: Whether each is live.
    live: NDArray[np.bool_]


class Faces:
    """The largest face of a picture, by YuNet."""

    def __init__(self, detector: YuNet) -> None:
        self._detector = detector

    def all_in(self, image: Image) -> list[DetectedFace]:
        found = self._detector.look(image, min_confidence=0.5)
        kept = suppress(found.boxes, found.scores, max_overlap=self._detector.max_overlap)
        found = keep(found, kept)
        assert found.landmarks is not None
        return [
            DetectedFace(
                box=Box(x=float(x), y=float(y), width=float(width), height=float(height)),
                confidence=float(score),
                landmarks=points,
            )
            for (x, y, width, height), score, points in zip(
                found.boxes, found.scores, found.landmarks, strict=True
            )
        ]

    def largest_in(self, image: Image) -> DetectedFace | None:
        return max(self.all_in(image), key=lambda face: face.box.area, default=None)


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue()


@pytest.fixture(scope="module")
def finder(weights: WeightStore, catalogue: Catalogue) -> Faces:
    return Faces(YuNet(open_network(weights, catalogue, catalogue.model("yunet"))))


@pytest.fixture(scope="module")
def networks(
    weights: WeightStore,
    shared: Path,
    catalogue: Catalogue,
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, Network]:
    """All five: the lite one as pulled, the others as imported from a folder."""
    store = WeightStore(tmp_path_factory.mktemp("liveness"))
    for name in FULL:
        store.import_from(shared / "models" / catalogue.model(name).file.name, catalogue)
    stores = {LITE: weights, **dict.fromkeys(FULL, store)}
    return {name: open_network(stores[name], catalogue, catalogue.model(name)) for name in ALL}


@pytest.fixture(scope="module")
def subset(shared: Path, finder: Faces) -> Subset:
    folder = shared / "data" / "nuaa"
    rows: list[dict[str, str]] = []
    for name in ("live.csv", "print.csv"):
        with (folder / name).open(encoding="utf-8", newline="") as lines:
            rows += list(csv.DictReader(lines))[::STEP]
    images = [read_image(folder / row["file"]) for row in rows]
    faces = [finder.largest_in(image) for image in images]
    return Subset(
        images=images,
        faces=[face for face in faces if face is not None],
        live=np.array([row["is_live"] == "1" for row in rows]),
    )


@pytest.fixture(scope="module")
def said(networks: dict[str, Network], subset: Subset) -> dict[str, list[LivenessScores]]:
    """What each network says of the subset."""
    return {name: judged(network, subset) for name, network in networks.items()}


def judged(network: Network, subset: Subset) -> list[LivenessScores]:
    classifier = LivenessClassifier(network)
    return [
        classifier.scores(image, [face])[0]
        for image, face in zip(subset.images, subset.faces, strict=True)
    ]


def share_of(label: str, said: list[LivenessScores]) -> NDArray[np.float64]:
    return np.array([one.by_label[label] for one in said])


def acer(scores: NDArray[np.float64], live: NDArray[np.bool_]) -> float:
    """Mean of both error rates at 0.5."""
    return float(((scores[live] < 0.5).mean() + (scores[~live] >= 0.5).mean()) / 2)


def test_a_face_is_found_in_every_picture(subset: Subset) -> None:
    assert len(subset.faces) == len(subset.images) == 38


@pytest.mark.parametrize("name", ALL)
def test_the_entrys_live_label_separates_faces_from_prints(
    name: str, said: dict[str, list[LivenessScores]], subset: Subset
) -> None:
    scores = share_of("live", said[name])

    # AUC 0.999 to 1.000, ACER 0.00 to 0.04.
    assert roc_auc_score(subset.live, scores) > 0.95
    assert acer(scores, subset.live) < 0.1


@pytest.mark.parametrize("name", ALL)
def test_no_other_class_could_be_the_live_one(
    name: str, said: dict[str, list[LivenessScores]], subset: Subset, catalogue: Catalogue
) -> None:
    others = [label for label in catalogue.model(name).labels if label != "live"]

    # ACER 0.46 to 1.00.
    assert others
    for label in others:
        assert acer(share_of(label, said[name]), subset.live) > 0.4


@pytest.mark.parametrize("name", ALL)
def test_the_other_colour_order_is_clearly_worse(
    name: str, networks: dict[str, Network], said: dict[str, list[LivenessScores]], subset: Subset
) -> None:
    right = networks[name]
    assert right.spec.pixels is not None
    other = "bgr" if right.spec.pixels.colour == "rgb" else "rgb"
    pixels = right.spec.pixels.model_copy(update={"colour": other})
    wrong = replace(right, spec=right.spec.model_copy(update={"pixels": pixels}))

    scores = share_of("live", judged(wrong, subset))

    # ACER 0.09 to 0.27 instead of 0.00 to 0.04.
    assert acer(scores, subset.live) > acer(share_of("live", said[name]), subset.live) + 0.04


@pytest.mark.parametrize("name", ALL)
def test_the_other_range_of_values_is_clearly_worse(
    name: str, networks: dict[str, Network], subset: Subset
) -> None:
    right = networks[name]
    assert right.spec.pixels is not None
    std = (1.0,) if right.spec.pixels.std == (255.0,) else (255.0,)
    pixels = right.spec.pixels.model_copy(update={"std": std})
    wrong = replace(right, spec=right.spec.model_copy(update={"pixels": pixels}))

    assert acer(share_of("live", judged(wrong, subset)), subset.live) > 0.2


def test_the_ensemble_is_no_worse_than_its_best_member(
    said: dict[str, list[LivenessScores]], subset: Subset, catalogue: Catalogue
) -> None:
    weights = weights_among(catalogue.ensembles["anti_spoofing"], said)
    members = {name: share_of("live", said[name]) for name in weights}

    together = np.sum([weight * members[name] for name, weight in weights.items()], axis=0)

    best = max(float(roc_auc_score(subset.live, scores)) for scores in members.values())
    assert roc_auc_score(subset.live, together) >= best
    assert (together[~subset.live] < LIVE_FROM).all()


def test_all_faces_of_a_picture_at_once_are_judged_as_one_by_one(
    weights: WeightStore, networks: dict[str, Network], finder: Faces, catalogue: Catalogue
) -> None:
    image = read_image(weights.path(catalogue.samples["t1"].file))
    faces = finder.all_in(image)
    classifier = LivenessClassifier(networks[LITE])

    together = classifier.scores(image, faces)

    assert len(faces) == 6
    assert together == [classifier.scores(image, [face])[0] for face in faces]
    assert all(one.live > LIVE_FROM for one in together)


def test_a_replay_is_named_by_the_network_that_tells_attacks_apart(
    networks: dict[str, Network], finder: Faces, shared: Path
) -> None:
    folder = shared / "data" / "replay_mix"
    with (folder / "labels.csv").open(encoding="utf-8", newline="") as lines:
        files = [row["file"] for row in csv.DictReader(lines) if row["kind"] == "replay"][::10]
    classifier = LivenessClassifier(networks["antispoofing_print_replay"])
    said = []
    for file in files:
        image = read_image(folder / file)
        face = finder.largest_in(image)
        assert face is not None
        said += classifier.scores(image, [face])

    # 79 of 100.
    named = [max(one.by_label, key=lambda label: one.by_label[label]) for one in said]
    assert named.count("replay") > len(named) / 2


def test_the_whole_protocol_finds_the_lite_network_good(
    networks: dict[str, Network], finder: Faces, shared: Path
) -> None:
    ensemble = LivenessEnsemble({LITE: LivenessClassifier(networks[LITE])}, {LITE: 1.0})

    def score(image: Image) -> LivenessSample | None:
        face = finder.largest_in(image)
        if face is None:
            return None
        (verdict,) = ensemble.judge(image, [face])
        return LivenessSample(live=verdict.score, outcome=verdict.outcome)

    report = evaluate_liveness(shared / "data" / "nuaa", score, model=LITE, limit=30)

    figures = {figure.name: figure.value for figure in report.figures}
    assert report.counts["faces not found"] == 0
    assert figures["AUC"] > 0.99
    assert figures["APCER"] <= 0.1
    assert figures["attacks judged live"] == 0
