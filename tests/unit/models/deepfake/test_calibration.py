"""Raw scores become probabilities."""

import numpy as np
import pytest
from pydantic import ValidationError

from models.deepfake.calibration import Platt, sigmoid, softmax


def test_platt_is_a_sigmoid_of_a_line() -> None:
    platt = Platt(slope=2, intercept=-1)

    assert platt.probability(0.5) == 0.5
    assert platt.probability(1) == pytest.approx(1 / (1 + np.exp(-1)))


def test_a_slope_that_turns_the_order_round_is_refused() -> None:
    with pytest.raises(ValidationError):
        Platt(slope=-1, intercept=0)


@pytest.mark.parametrize(("logit", "expected"), [(-1e4, 0.0), (0.0, 0.5), (1e4, 1.0)])
def test_extreme_logits_do_not_overflow(logit: float, expected: float) -> None:
    assert sigmoid(logit) == expected
    assert softmax(np.array([logit, 0.0]))[0] == pytest.approx(expected)


def test_softmax_sums_to_one() -> None:
    assert sum(softmax(np.array([1.0, 2.0, 3.0]))) == pytest.approx(1)
