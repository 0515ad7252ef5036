"""One estimator, from a pair of networks or from one."""

from typing import get_args

import numpy as np
import pytest

from models.catalogue import load_catalogue
from models.contract import Tensors
from models.demographics.families import open_demographics
from models.network import Network
from models.recognition.chips import ARCFACE_TEMPLATE
from models.results import Box, DetectedFace
from models.spec import Family
from models.testing import ScriptedSession

CATALOGUE = load_catalogue()
IMAGE = np.zeros((112, 112, 3), np.uint8)
FACE = DetectedFace(
    box=Box(x=10, y=10, width=90, height=90), confidence=0.9, landmarks=ARCFACE_TEMPLATE
)


def network(name: str, row: list[float]) -> Network:
    spec = CATALOGUE.model(name)
    (output,) = spec.outputs

    def answer(feeds: Tensors) -> Tensors:
        (fed,) = feeds.values()
        return {output: np.tile(np.array(row, np.float32), (len(fed), 1))}

    return Network(spec=spec, session=ScriptedSession.of(spec, answer))


def age(years: int) -> Network:
    return network("cydral_age", [float(year == years) for year in range(81)])


def gender(male: float) -> Network:
    return network("cydral_gender", [1 - male, male])


@pytest.mark.parametrize("swapped", [False, True])
def test_a_pair_answers_with_both_whatever_its_order(swapped: bool) -> None:
    pair = [gender(0.9), age(33)] if swapped else [age(33), gender(0.9)]

    found = open_demographics(*pair).estimate(IMAGE, [FACE, FACE])

    assert [(one.age.years, one.gender.value) for one in found] == [(33, "male")] * 2


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("genderage", [0.0, 1.0, 0.33]),
        ("gender_age_v1", [0.0, 9.0, *([0.0, 9.0] * 33), *([9.0, 0.0] * 67)]),
    ],
)
def test_a_joint_network_answers_with_both(name: str, row: list[float]) -> None:
    [found] = open_demographics(network(name, row)).estimate(IMAGE, [FACE])

    assert (found.age.years, found.gender.value) == (33, "male")


@pytest.mark.parametrize("networks", [[], [age(3)], [age(3), age(3)], [gender(0.1), gender(0.1)]])
def test_half_a_pair_is_refused(networks: list[Network]) -> None:
    with pytest.raises(ValueError, match="one model for both or one for each"):
        open_demographics(*networks)


def test_every_model_of_the_catalogue_that_does_it_can_be_opened() -> None:
    joint = [spec for spec in CATALOGUE.models.values() if spec.task == "age_gender"]

    assert {spec.family for spec in joint} <= set(get_args(Family))
    for spec in joint:
        (output,) = spec.outputs
        session = ScriptedSession.of(spec, {output: np.zeros((1, 1), np.float32)})
        assert open_demographics(Network(spec=spec, session=session)).estimate(IMAGE, []) == []
