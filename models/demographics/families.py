"""From loaded networks to one estimator of age and gender: a pair of networks, or one for both."""

from collections.abc import Callable, Mapping, Sequence

from models.demographics.age_bins import GenderAgeBins
from models.demographics.dlib import DlibAge, DlibGender
from models.demographics.genderage import GenderAge
from models.demographics.port import Demographics, DemographicsEstimator
from models.network import Network
from models.results import DetectedFace, Image
from models.spec import Family

_JOINT: Mapping[Family, Callable[[Network], DemographicsEstimator]] = {
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
            network = by_task["age_gender"]
            return _JOINT[network.spec.family](network)
        if set(by_task) == {"age", "gender"}:
            age, gender = by_task["age"], by_task["gender"]
            return AgeGenderPair(_AGE[age.spec.family](age), _GENDER[gender.spec.family](gender))
    given = ", ".join(f"{network.spec.id} ({network.spec.task})" for network in networks)
    raise ValueError(f"Demographics need one model for both or one for each, not: {given}.")
