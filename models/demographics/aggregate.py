"""Ages and genders of many faces as counts that single out nobody."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from models.demographics.groups import AGE_GROUPS
from models.demographics.port import Demographics

#: Counts of fewer faces are left out. Statistical offices suppress cells below a threshold, most
#: often of 3 to 10 (Hundepool et al., Statistical Disclosure Control, 2012); 5 is our choice.
SMALLEST_GROUP = 5
#: Cells of the count by gender.
GENDER_GROUPS = ("female", "male", "uncertain")


@dataclass(frozen=True, kw_only=True, slots=True)
class DemographicsCounts:
    """How many faces look how old, and read as which gender; no face's own values."""

    #: All faces, also those of groups that are left out.
    faces: int
    #: By AgeGroup, youngest first; groups that are absent are empty or left out.
    age_groups: dict[str, int]
    #: By GENDER_GROUPS; the same.
    genders: dict[str, int]
    #: No count stands for fewer faces, nor can one be worked out from the others.
    smallest_group: int


def count(
    estimates: Sequence[Demographics], *, smallest_group: int = SMALLEST_GROUP
) -> DemographicsCounts:
    """Count faces by age group and by gender.

    Groups of fewer faces than `smallest_group` are left out, and further ones, smallest first,
    until those left out have so many faces together: otherwise the difference to `faces` would
    tell what was hidden. Comparing the counts of two nearly equal images is not prevented.

    Args:
        estimates: One of each face.
        smallest_group: At least 1.

    Raises:
        ValueError: `smallest_group` is less than 1.
    """
    if smallest_group < 1:
        raise ValueError(f"A group has at least 1 face, not {smallest_group}.")
    ages = Counter[str](estimate.age.group for estimate in estimates)
    genders = Counter[str](
        "uncertain" if estimate.gender.uncertain else estimate.gender.value
        for estimate in estimates
    )
    return DemographicsCounts(
        faces=len(estimates),
        age_groups=_told(ages, AGE_GROUPS, smallest_group),
        genders=_told(genders, GENDER_GROUPS, smallest_group),
        smallest_group=smallest_group,
    )


def _told(counts: Mapping[str, int], order: Iterable[str], smallest: int) -> dict[str, int]:
    told = {name: counts[name] for name in order if counts.get(name, 0) >= smallest}
    while told and 0 < sum(counts.values()) - sum(told.values()) < smallest:
        del told[min(told, key=lambda name: told[name])]
    return told
