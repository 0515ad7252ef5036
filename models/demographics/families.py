"""From loaded networks to one estimator of age and gender: a pair of networks, or one for both."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from models.demographics.age_bins import GenderAgeBins
from models.demographics.dlib import DlibAge, DlibGender
from models.demographics.genderage import GenderAge
from models.demographics.port import Demographics, DemographicsEstimator
from models.network import Network
from models.results import DetectedFace, Image
from models.spec import Family

_JOINT: Mapping[Family, Callable[[Network], "JointEstimator"]] = {
    "genderage": GenderAge,
    "gender_age_bins": GenderAgeBins,
}
_AGE: Mapping[Family, Callable[[Network], DlibAge]] = {"dlib_age": DlibAge}
_GENDER: Mapping[Family, Callable[[Network], DlibGender]] = {"dlib_gender": DlibGender}


class AgeGenderPair:
    """One network for the age and one for the gender."""

    def __init__(self, age: DlibAge, gender: DlibGender) -> None:
        self._age = age
        self._gender = gender

    def estimate(self, image: Image, faces: Sequence[DetectedFace]) -> list[Demographics]:
        """Estimate age and gender of each face of one image, in their order.

        Args:
            image: (H, W, 3) uint8, RGB.
            faces: Faces found in that image.

        Raises:
            InferenceFailed: the runtime refused a run.
        """
        ages = self._age.estimate(image, faces)
        genders = self._gender.estimate(image, faces)
        return [
            Demographics(age=age, gender=gender) for age, gender in zip(ages, genders, strict=True)
        ]


class JointEstimator(DemographicsEstimator, Protocol):
    """A network that tells both from one chip."""

    def chips(self, image: Image, faces: Sequence[DetectedFace]) -> list[Image]:
        """What it sees of each face of one image: (H, W, 3) uint8, RGB."""
        ...

    def of_chips(self, chips: Sequence[Image]) -> list[Demographics]:
        """Estimate both for chips, of one image or of several, in their order.

        Raises:
            InferenceFailed: the runtime refused a run.
        """
        ...


def open_joint(network: Network) -> JointEstimator:
    """The estimator of a loaded network of task "age_gender"."""
    return _JOINT[network.spec.family](network)


def open_age(network: Network) -> DlibAge:
    """The estimator of a loaded network of task "age"."""
    return _AGE[network.spec.family](network)


def open_gender(network: Network) -> DlibGender:
    """The estimator of a loaded network of task "gender"."""
    return _GENDER[network.spec.family](network)


def open_demographics(*networks: Network) -> DemographicsEstimator:
    """Build the estimator of loaded networks.

    Args:
        networks: One of task "age_gender", or one of "age" and one of "gender", in any order.

    Raises:
        ValueError: they are neither.
    """
    by_task = {network.spec.task: network for network in networks}
    if len(networks) == len(by_task):
        if set(by_task) == {"age_gender"}:
            return open_joint(by_task["age_gender"])
        if set(by_task) == {"age", "gender"}:
            return AgeGenderPair(open_age(by_task["age"]), open_gender(by_task["gender"]))
    given = ", ".join(f"{network.spec.id} ({network.spec.task})" for network in networks)
    raise ValueError(f"Demographics need one model for both or one for each, not: {given}.")
