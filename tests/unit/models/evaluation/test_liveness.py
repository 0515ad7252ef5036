"""The rates of anti-spoofing, on scores whose rates can be counted by hand."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from models.errors import EvaluationDataMissing
from models.evaluation.liveness import (
    LabelledScores,
    LivenessSample,
    eer_threshold,
    evaluate_liveness,
    read_pictures,
    report_of,
)
from models.evaluation.report import Report
from models.results import Image

HEADER = "file,kind,is_live,subject\n"


def labelled(live: list[float], **attacks: list[float]) -> LabelledScores:
    """Scores of live faces and of attacks by kind; persons take turns."""
    kinds = ["live"] * len(live) + [kind for kind, found in attacks.items() for _ in found]
    scores = np.array([*live, *(score for found in attacks.values() for score in found)])
    return LabelledScores(
        scores=scores,
        live=np.array([kind == "live" for kind in kinds]),
        kinds=np.array(kinds),
        subjects=np.array([f"p{i % 3}" for i in range(len(kinds))]),
        outcomes=np.where(scores >= 0.6, "live", np.where(scores < 0.3, "spoof", "retake")),
    )


def report(found: LabelledScores, threshold: float = 0.5) -> Report:
    return report_of(found, threshold, names=("net", "set"))


def value(found: Report, name: str) -> float:
    (figure,) = [figure for figure in found.figures if figure.name == name]
    return figure.value


def test_rates_are_counted_at_the_threshold() -> None:
    found = report(labelled([0.9, 0.8, 0.5, 0.4], print=[0.1] * 9 + [0.5]))

    assert value(found, "BPCER") == 0.25
    assert value(found, "APCER") == value(found, "APCER print") == 0.1
    assert value(found, "ACER") == pytest.approx(0.175)


def test_the_worst_kind_of_attack_decides() -> None:
    found = report(labelled([0.9] * 4, print=[0.1] * 10, replay=[0.1] * 5 + [0.9] * 5))

    assert value(found, "APCER print") == 0
    assert value(found, "APCER replay") == value(found, "APCER") == 0.5


def test_a_kind_with_few_pictures_is_told_apart_and_does_not_decide() -> None:
    found = report(labelled([0.9] * 4, print=[0.1] * 10, mask=[0.9], paper=[0.1]))

    assert value(found, "APCER few") == 0.5
    assert value(found, "APCER") == 0
    assert found.counts["attacks: few"] == 2


def test_where_all_kinds_have_few_pictures_they_decide_together() -> None:
    found = report(labelled([0.9] * 4, print=[0.1], replay=[0.9]))

    assert value(found, "APCER") == 0.5


def test_scores_that_are_told_apart_have_no_error_at_their_own_threshold() -> None:
    scores = labelled([0.2, 0.3, 0.25], print=[0.1] * 10)

    found = report(scores)

    assert eer_threshold(scores) == 0.2
    assert value(found, "ACER at the EER threshold") == 0
    assert value(found, "BPCER") == 1
    assert value(found, "AUC") == 1


def test_reversed_scores_show_as_an_auc_of_zero() -> None:
    assert value(report(labelled([0.1, 0.2], print=[0.8, 0.9])), "AUC") == 0


def test_the_auc_is_that_of_scikit_learn() -> None:
    rng = np.random.default_rng(1)
    # Rounded, so that there are ties.
    scores = labelled(
        rng.uniform(0.2, 1, 70).round(1).tolist(), print=rng.uniform(0, 0.8, 50).round(1).tolist()
    )

    expected = roc_auc_score(scores.live, scores.scores)

    assert value(report(scores), "AUC") == pytest.approx(expected)


def test_verdicts_are_counted_apart_from_scores() -> None:
    found = report(labelled([0.9, 0.4, 0.1, 0.95], print=[0.1, 0.4, 0.9, 0.2]))

    assert value(found, "attacks judged live") == 0.25
    assert value(found, "attacks to retake") == 0.25
    assert value(found, "live faces judged spoof") == 0.25
    assert value(found, "live faces to retake") == 0.25


def test_intervals_hold_their_figure_and_stay_within_zero_and_one() -> None:
    rng = np.random.default_rng(0)
    found = report(
        labelled(rng.uniform(0.3, 1, 60).tolist(), print=rng.uniform(0, 0.7, 60).tolist())
    )

    bounded = [figure for figure in found.figures if figure.low is not None]

    assert {figure.name for figure in bounded} >= {"AUC", "APCER", "BPCER"}
    for figure in bounded:
        assert figure.low is not None
        assert figure.high is not None
        assert 0 <= figure.low <= figure.value <= figure.high <= 1


def test_each_person_has_rates_of_their_own() -> None:
    found = report(labelled([0.9, 0.1, 0.9], print=[0.9, 0.1, 0.1]))

    rates = {name: [figure.value for figure in own] for name, own in found.groups.items()}

    assert rates == {"person p0": [1, 0], "person p1": [0, 1], "person p2": [0, 0]}


def test_curves_run_from_corner_to_corner() -> None:
    roc, det = report(labelled([0.9, 0.5, 0.2], print=[0.6, 0.1, 0.3])).curves

    assert (roc.kind, roc.x[0], roc.y[0], roc.x[-1], roc.y[-1]) == ("roc", 0, 0, 1, 1)
    assert det.kind == "det"
    assert len(det.x) == len(det.y)


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Grey pictures: live ones are light; the black one has no face."""
    lines = {"live.csv": HEADER, "print.csv": HEADER}
    for name, grey in (("a", 250), ("b", 200), ("c", 10), ("d", 20), ("e", 0)):
        cv2.imwrite(str(tmp_path / f"{name}.png"), np.full((8, 8, 3), grey, np.uint8))
        live = grey > 100
        file, kind = ("live.csv", "live") if live else ("print.csv", "print")
        lines[file] += f"{name}.png,{kind},{int(live)},p{name}\n"
    for file, text in lines.items():
        (tmp_path / file).write_text(text, encoding="utf-8")
    return tmp_path


def brightness(image: Image) -> LivenessSample | None:
    share = float(image.mean()) / 255
    return LivenessSample(live=share, outcome="live" if share > 0.5 else "spoof") if share else None


def test_a_set_is_walked_and_faces_not_found_are_counted(pictures: Path) -> None:
    ticks: list[tuple[int, int]] = []

    found = evaluate_liveness(
        pictures, brightness, model="net", tick=lambda done, total: ticks.append((done, total))
    )

    assert found.counts == {
        "live faces": 2,
        "attacks: few": 2,
        "persons": 4,
        "faces not found": 1,
    }
    assert (value(found, "AUC"), value(found, "ACER")) == (1, 0)
    assert (found.task, found.model, found.data) == ("liveness", "net", pictures.name)
    assert ticks == [(i, 5) for i in range(1, 6)]


def test_a_limited_set_still_has_live_faces_and_attacks(pictures: Path) -> None:
    assert {row["is_live"] for row in read_pictures(pictures, 2)} == {"0", "1"}


def test_one_label_file_for_all_is_read_as_well(pictures: Path) -> None:
    (pictures / "live.csv").rename(pictures / "labels.csv")

    assert len(read_pictures(pictures)) == 5


def test_a_set_without_labels_or_with_one_kind_only_is_refused(pictures: Path) -> None:
    (pictures / "print.csv").unlink()
    with pytest.raises(EvaluationDataMissing, match="is_live"):
        read_pictures(pictures)
    (pictures / "live.csv").unlink()
    with pytest.raises(EvaluationDataMissing, match="none of"):
        read_pictures(pictures)


def test_a_set_in_which_one_kind_shows_no_face_is_refused(pictures: Path) -> None:
    def only_live(image: Image) -> LivenessSample | None:
        found = brightness(image)
        return found if found is not None and found.live > 0.5 else None

    with pytest.raises(EvaluationDataMissing, match="one kind"):
        evaluate_liveness(pictures, only_live, model="net")
