"""Age groups, and when a gender is not to be relied on: what all demographics families share."""

from models.results import AgeGroup, GenderEstimate, GenderProbabilities

#: Last year of each group but the last; part of the HTTP interface.
_LAST_YEARS: tuple[tuple[AgeGroup, int], ...] = (
    ("child", 12),
    ("teenager", 19),
    ("young_adult", 30),
    ("adult", 50),
    ("middle_aged", 65),
)
AGE_GROUPS: tuple[AgeGroup, ...] = (*(group for group, _ in _LAST_YEARS), "senior")

#: Ages are clamped to this; no network here was trained on older faces.
OLDEST_YEARS = 100

#: A gender whose probability is lower counts as uncertain. On 799 UTKFace crops the dlib network
#: was right on 50 % of those below (6 % of all) and on 91 % of the others, InsightFace's of 2018
#: on 59 % (28 % of all) and on 86 %. Children stay hard: above it too, dlib's is right on 71 %.
UNCERTAIN_BELOW = 0.7


def age_group(years: float) -> AgeGroup:
    """The group of an age; one in its thirteenth year, such as 12.9, is still 12."""
    for group, last in _LAST_YEARS:
        if years < last + 1:
            return group
    return "senior"


def gender_from(female: float, male: float) -> GenderEstimate:
    """A gender from two probabilities; of equal ones the first wins.

    Args:
        female: 0 to 1.
        male: 0 to 1; together they make 1, but for rounding.
    """
    confidence = min(1.0, max(female, male))
    return GenderEstimate(
        value="female" if female >= male else "male",
        confidence=confidence,
        probabilities=GenderProbabilities(female=female, male=male),
        uncertain=confidence < UNCERTAIN_BELOW,
    )
