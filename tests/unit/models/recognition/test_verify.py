"""Verification: the right threshold, for the right model, or a clear error."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from models.catalogue import load_catalogue, parse_catalogue
from models.errors import CatalogueError, EmbeddingsIncomparable, ThresholdsMissing
from models.recognition.verify import cosine, verify
from models.results import Embedding, EmbeddingModel
from models.spec import OperatingPoint, VerificationThresholds

MODEL = EmbeddingModel(id="net", sha256="a" * 64, preprocessing_version="1")
MEASURED = VerificationThresholds(
    points=(
        OperatingPoint(far=1e-3, similarity=0.6, tar=0.9),
        OperatingPoint(far=1e-2, similarity=0.3, tar=0.95),
    ),
    genuine_pairs=10,
    impostor_pairs=1000,
    origin="somewhere",
)


def embedding(*values: float, model: EmbeddingModel = MODEL) -> Embedding:
    return Embedding(vector=np.array(values, np.float32), model=model)


@pytest.mark.parametrize(
    ("far", "threshold", "is_match"), [(1e-2, 0.3, True), (1e-3, 0.6, True), (1e-3, 0.6, False)]
)
def test_the_similarity_is_held_against_the_threshold_of_the_rate(
    far: float, threshold: float, is_match: bool
) -> None:
    other = embedding(0.6, 0.8) if is_match else embedding(0.5, 0.75**0.5)
    measured = MEASURED.model_copy(
        update={
            "points": tuple(
                point.model_copy(update={"similarity": float(np.float32(point.similarity))})
                for point in MEASURED.points
            )
        }
    )

    found = verify(embedding(1, 0), other, thresholds={"net": measured}, far=far)

    assert found.is_match is is_match
    assert found.threshold == pytest.approx(threshold)
    assert found.similarity == pytest.approx(0.6 if is_match else 0.5)
    assert found.far == far


def test_the_answer_carries_all_thresholds_and_where_they_come_from() -> None:
    found = verify(embedding(1, 0), embedding(0, 1), thresholds={"net": MEASURED}, far=1e-3)

    assert [point.far for point in found.thresholds] == [1e-2, 1e-3]
    assert (found.origin, found.model) == ("somewhere", MODEL)
    assert (found.similarity, found.is_match) == (0.0, False)


@pytest.mark.parametrize(
    "other",
    [
        replace(MODEL, id="other"),
        replace(MODEL, sha256="b" * 64),
        replace(MODEL, preprocessing_version="2"),
    ],
)
def test_embeddings_of_different_makers_are_never_compared(other: EmbeddingModel) -> None:
    a, b = embedding(1, 0), embedding(1, 0, model=other)

    with pytest.raises(EmbeddingsIncomparable, match="same model"):
        cosine(a, b)
    with pytest.raises(EmbeddingsIncomparable):
        verify(a, b, thresholds={"net": MEASURED, "other": MEASURED}, far=1e-3)


def test_a_model_without_measured_thresholds_is_refused_by_name() -> None:
    with pytest.raises(ThresholdsMissing, match=r"No thresholds were measured for net"):
        verify(embedding(1, 0), embedding(1, 0), thresholds={"other": MEASURED}, far=1e-3)


def test_a_rate_that_was_not_measured_is_refused_with_those_that_were() -> None:
    with pytest.raises(ThresholdsMissing, match=re.escape("take 0.01, 0.001.")):
        verify(embedding(1, 0), embedding(1, 0), thresholds={"net": MEASURED}, far=5e-3)


def test_a_cosine_stays_between_minus_one_and_one() -> None:
    long = embedding(0.8, 0.6000002)

    assert cosine(long, long) == 1.0
    assert cosine(long, embedding(-0.8, -0.6000002)) == -1.0


def test_the_catalogue_s_thresholds_rise_as_the_rate_falls() -> None:
    catalogue = load_catalogue()

    assert {"sface", "mobilefacenet_512"} <= set(catalogue.thresholds)
    for name, measured in catalogue.thresholds.items():
        points = sorted(measured.points, key=lambda point: -point.far)
        similarities = [point.similarity for point in points]
        tars = [point.tar for point in points]
        assert similarities == sorted(set(similarities)), name
        assert tars == sorted(tars, reverse=True), name
        assert f"--model {name} " in measured.origin


def test_thresholds_of_an_ensemble_name_models_that_exist() -> None:
    folder = Path(__file__).resolve().parents[4] / "models" / "entries"
    entries = (folder / "recognition.toml").read_text(encoding="utf-8")
    measured = """
        [thresholds."{name}"]
        points = [{{ far = 0.01, similarity = 0.3, tar = 0.9 }}]
        genuine_pairs = 1
        impostor_pairs = 1000
        origin = "x"
    """

    found = parse_catalogue(entries, measured.format(name="mobilefacenet_512+sface"))

    assert set(found.thresholds) == {"mobilefacenet_512+sface"}
    with pytest.raises(CatalogueError, match="names 'nothing'"):
        parse_catalogue(entries, measured.format(name="nothing+sface"))
