"""Fitting linear heads on frozen features, and measuring them without fooling oneself.

All crops of one original video are in the same fold. What is measured is always the first view of
crops that no fold's fit has seen.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold

from models.deepfake.calibration import Platt

FOLDS = 5
#: Rounds of the optimiser; the fits below need 60 to 150.
MAX_ITERATIONS = 400

Features = NDArray[np.float32]
Scores = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class LinearHead:
    """raw = weights @ features + bias."""

    #: (D,) for features as they come: standardisation is folded in.
    weights: NDArray[np.float64]
    bias: float

    def decision_function(self, features: Features) -> Scores:
        """The raw score of each row of (N, D)."""
        return np.asarray(features @ self.weights + self.bias)


class Scorer(Protocol):
    """Anything that was fitted: ours, or scikit-learn's."""

    def decision_function(self, features: Features) -> Any:  # noqa: ANN401 - scikit-learn's
        """The raw score of each row of (N, D): higher is manipulated."""
        ...


#: Fits features (N, D) to labels (N,).
Fit = Callable[[Features, NDArray[np.bool_]], Scorer]


def fit_logistic(
    features: Features, is_fake: NDArray[np.bool_], *, c: float, balanced: bool = False
) -> LinearHead:
    """Logistic regression with an L2 penalty on standardised features.

    Args:
        features: (N, D).
        is_fake: (N,).
        c: Inverse strength of the penalty, as scikit-learn has it.
        balanced: Whether both classes weigh the same, however many there are of each.
    """
    mean = features.mean(axis=0, dtype=np.float64)
    spread = features.std(axis=0, dtype=np.float64) + 1e-8
    standard = ((features - mean) / spread).astype(np.float32)
    weight = "balanced" if balanced else None
    model = LogisticRegression(C=c, max_iter=MAX_ITERATIONS, tol=1e-3, class_weight=weight)
    model.fit(standard, is_fake)
    weights = model.coef_[0].astype(np.float64) / spread
    return LinearHead(weights=weights, bias=float(model.intercept_[0] - weights @ mean))


def folds_of(
    is_fake: NDArray[np.bool_], groups: NDArray[np.intp], *, seed: int, count: int = FOLDS
) -> list[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Train and test indices: groups whole, both classes in their shares, shuffled by the seed."""
    splitter = StratifiedGroupKFold(count, shuffle=True, random_state=seed)
    return list(splitter.split(is_fake, is_fake, groups))


def out_of_fold(
    views: Sequence[Features],
    is_fake: NDArray[np.bool_],
    folds: Sequence[tuple[NDArray[np.intp], NDArray[np.intp]]],
    fit: Fit,
) -> Scores:
    """Score every crop with a head that has not seen its group.

    Args:
        views: Each (N, D); a head is fitted to all, and scores the first.
        is_fake: (N,).
        folds: From `folds_of`.
        fit: Fits a head.
    """
    scores = np.zeros(len(is_fake))
    for train, test in folds:
        rows = np.concatenate([view[train] for view in views])
        head = fit(rows, np.tile(is_fake[train], len(views)))
        scores[test] = head.decision_function(views[0][test])
    return scores


def auc(is_fake: NDArray[np.bool_], scores: Scores) -> float:
    """Area under the ROC curve: how often a manipulated crop scores above an authentic one."""
    return float(roc_auc_score(is_fake, scores))


def fit_platt(scores: Scores, is_fake: NDArray[np.bool_]) -> Platt:
    """Platt's sigmoid for out-of-fold scores, with his targets short of 0 and 1.

    The two classes count equally, so the probabilities are for an even prior.

    Raises:
        ValueError: manipulated crops do not score higher than authentic ones.
    """
    if scores[is_fake].mean() <= scores[~is_fake].mean():
        raise ValueError("Scores that do not rise with manipulation can't be calibrated.")
    scale = float(scores.std())
    column = (scores / scale).reshape(-1, 1)
    positives, negatives = int(is_fake.sum()), int((~is_fake).sum())
    high, low = (positives + 1) / (positives + 2), 1 / (negatives + 2)
    targets = np.where(is_fake, high, low)
    balance = np.where(is_fake, 0.5 / positives, 0.5 / negatives) * len(scores)
    # A soft target is two weighted samples.
    model = LogisticRegression(C=1e6).fit(
        np.concatenate([column, column]),
        np.concatenate([np.ones(len(column)), np.zeros(len(column))]),
        sample_weight=np.concatenate([targets * balance, (1 - targets) * balance]),
    )
    return Platt(slope=float(model.coef_[0, 0]) / scale, intercept=float(model.intercept_[0]))
