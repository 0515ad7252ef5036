"""Which heads are compared: the rows of the table of what was tried."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC

from models.training.deepfake_heads import Features, Fit, Scorer, Scores, fit_logistic

MIDDLE = (5, 6, 7, 8, 9)
#: Strength of the penalty in rows where it is not what is compared.
DEFAULT_C = 0.01
#: Only one view: what the head would be without augmentation.
PLAIN = ("full",)
ALL_VIEWS = ("full", "mirrored", "soft", "near")


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """One row of the table."""

    name: str
    #: Blocks whose mean patch tokens are the features; empty for the forensic features.
    blocks: tuple[int, ...]
    #: Views it is fitted to; the first is what it scores.
    views: tuple[str, ...]
    fit: Fit


def logistic(blocks: Sequence[int], c: float, views: Sequence[str] = PLAIN) -> Candidate:
    """L2-regularised logistic regression."""

    def fit(features: Features, is_fake: NDArray[np.bool_]) -> Scorer:
        return fit_logistic(features, is_fake, c=c)

    named = ",".join(map(str, blocks)) if blocks else "forensic"
    return Candidate(
        name=f"logistic C={c:g}, blocks {named}, views {'+'.join(views)}",
        blocks=tuple(blocks),
        views=tuple(views),
        fit=fit,
    )


class _MlpScores:
    """scikit-learn's MLP has no decision_function."""

    def __init__(self, model: Any) -> None:  # noqa: ANN401 - scikit-learn has no types
        self._model = model

    def decision_function(self, features: Features) -> Scores:
        return np.asarray(self._model.predict_proba(features)[:, 1], np.float64)


def _mlp(features: Features, is_fake: NDArray[np.bool_]) -> Scorer:
    net = MLPClassifier((32,), alpha=1.0, early_stopping=True, random_state=0)
    return _MlpScores(make_pipeline(StandardScaler(), net).fit(features, is_fake))


def _pipeline(*steps: Any) -> Fit:  # noqa: ANN401 - scikit-learn has no types
    def fit(features: Features, is_fake: NDArray[np.bool_]) -> Scorer:
        model: Scorer = make_pipeline(StandardScaler(), *steps).fit(features, is_fake)
        return model

    return fit


def for_generated() -> Candidate:
    """What tells wholly generated faces from authentic ones, of which there are many more."""

    def fit(features: Features, is_fake: NDArray[np.bool_]) -> Scorer:
        return fit_logistic(features, is_fake, c=DEFAULT_C, balanced=True)

    name = f"balanced logistic C={DEFAULT_C:g}, blocks 5-9, all views"
    return Candidate(name=name, blocks=MIDDLE, views=ALL_VIEWS, fit=fit)


def compared() -> list[Candidate]:
    """What was tried, cheapest first."""
    others: Mapping[str, Fit] = {
        "PCA 100 + LDA": _pipeline(
            PCA(100, random_state=0), LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto")
        ),
        "linear SVM C=1e-4": _pipeline(LinearSVC(C=1e-4)),
        "RBF SVM C=3": _pipeline(SVC(C=3)),
        "MLP 32": _mlp,
    }
    return [
        logistic((), DEFAULT_C),
        *(logistic((block,), DEFAULT_C) for block in (0, 2, 4, 6, 8, 10)),
        logistic(MIDDLE, DEFAULT_C),
        logistic((4, *MIDDLE), DEFAULT_C),
        logistic(tuple(range(11)), DEFAULT_C),
        *(
            Candidate(name=f"{name}, blocks 5-9, views full", blocks=MIDDLE, views=PLAIN, fit=fit)
            for name, fit in others.items()
        ),
        # Fitted to and measured on the low-resolution view: what is left without fine detail.
        logistic(MIDDLE, DEFAULT_C, ("soft",)),
        logistic(MIDDLE, DEFAULT_C, ("full", "mirrored")),
        logistic(MIDDLE, DEFAULT_C, ("full", "mirrored", "soft")),
        *eligible(),
    ]


def eligible() -> list[Candidate]:
    """What may ship: the nested cross-validation chooses among these, inside each fold."""
    return [logistic(MIDDLE, c, ALL_VIEWS) for c in (0.001, 0.003, 0.01, 0.03)]
