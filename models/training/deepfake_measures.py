"""What out-of-fold scores say: thresholds, error shares, calibration, and who is judged worse."""

import numpy as np
from numpy.typing import NDArray

from models.deepfake.features import sharpness
from models.deepfake.judge import Gate
from models.deepfake.results import VerdictThresholds
from models.evaluation.images import read_image
from models.spec import ModelSpec
from models.training.deepfake_data import Crops
from models.training.deepfake_heads import Scores, auc

#: Share of authentic faces that may be called manipulated, and the other way round.
ERROR_RATE = 0.05
#: Images with more faces share the last threshold: scores rarer than one in 200 are not known from
#: 500 authentic crops.
MAX_FACES = 10
#: Percentiles of the crops' sizes and sharpness below which faces count as not measured.
SMALLEST_PERCENTILE, DULLEST_PERCENTILE = 5, 1
#: Where both classes are equally likely.
EVEN = 0.5
#: Bins of the calibration curve.
BINS = 10

Bools = NDArray[np.bool_]


def thresholds_of(likely: Scores, is_fake: Bools) -> VerdictThresholds:
    """Where ERROR_RATE of each class lies on the wrong side, and stricter ones for several faces.

    Args:
        likely: (N,) out-of-fold probabilities.
        is_fake: (N,).
    """
    authentic, manipulated = likely[~is_fake], likely[is_fake]
    among = [
        float(np.quantile(authentic, 1 - ERROR_RATE / faces, method="higher"))
        for faces in range(1, MAX_FACES + 1)
    ]
    low = float(np.quantile(manipulated, ERROR_RATE, method="lower"))
    return VerdictThresholds(
        authentic=round(min(low, among[0]), 4),
        manipulated=round(among[0], 4),
        among=tuple(round(value, 4) for value in among),
    )


def shares_at(likely: Scores, is_fake: Bools, thresholds: VerdictThresholds) -> dict[str, float]:
    """Which share of each class gets which verdict, and the Brier score."""
    high, low = likely >= thresholds.manipulated, likely <= thresholds.authentic
    return {
        "authentic_called_manipulated": float(high[~is_fake].mean()),
        "authentic_called_authentic": float(low[~is_fake].mean()),
        "manipulated_called_manipulated": float(high[is_fake].mean()),
        "manipulated_called_authentic": float(low[is_fake].mean()),
        "inconclusive": float((~high & ~low).mean()),
        "accuracy_at_one_half": float(((likely >= EVEN) == is_fake).mean()),
        "brier": float(((likely - is_fake) ** 2).mean()),
    }


def calibration_curve(likely: Scores, is_fake: Bools) -> list[dict[str, float]]:
    """Mean probability and share of manipulated crops, in bins of equal width that hold any."""
    place = np.minimum((likely * BINS).astype(np.intp), BINS - 1)
    return [
        {
            "probability": float(likely[place == index].mean()),
            "manipulated": float(is_fake[place == index].mean()),
            "crops": int((place == index).sum()),
        }
        for index in range(BINS)
        if (place == index).any()
    ]


def baselines(crops: Crops) -> dict[str, float]:
    """AUC of what tells nothing of manipulation: a detector must do clearly better.

    The direction is the better of both.
    """
    images = [read_image(file) for file in crops.files]
    found = {
        "file_size": np.array([float(file.stat().st_size) for file in crops.files]),
        "crop_side": crops.sides,
        "sharpness": np.array([sharpness(image) for image in images]),
        "brightness": np.array([float(image.mean()) for image in images]),
    }
    areas = {name: auc(crops.is_fake, values) for name, values in found.items()}
    return {name: max(area, 1 - area) for name, area in areas.items()}


def strata(crops: Crops, scores: Scores) -> dict[str, list[dict[str, float]]]:
    """AUC in fifths of the crops by size and by sharpness."""
    images = [read_image(file) for file in crops.files]
    found = {
        "crop_side": crops.sides,
        "sharpness": np.array([sharpness(image) for image in images]),
    }
    return {
        name: [
            {
                "from": float(values[part].min()),
                "to": float(values[part].max()),
                "crops": int(part.sum()),
                "auc": auc(crops.is_fake[part], scores[part]),
            }
            for part in _fifths(values)
        ]
        for name, values in found.items()
    }


def _fifths(values: NDArray[np.float64]) -> list[Bools]:
    """Fifths by value; equal values stay together, so some may be larger."""
    place = np.digitize(values, np.quantile(values, (0.2, 0.4, 0.6, 0.8)))
    return [place == index for index in np.unique(place)]


def gate_of(crops: Crops, spec: ModelSpec) -> Gate:
    """Faces smaller or duller than nearly all crops were not measured.

    A crop's side becomes that of the detected box by the entry's crop scale.
    """
    images = [read_image(file) for file in crops.files]
    side = np.percentile(crops.sides, SMALLEST_PERCENTILE)
    scale = spec.crop.scale if spec.crop else 1.0
    return Gate(
        min_face_pixels=round(float(side) / scale),
        min_sharpness=round(
            float(np.percentile([sharpness(image) for image in images], DULLEST_PERCENTILE)), 1
        ),
    )
