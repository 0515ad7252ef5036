"""Apparent age and gender as users see them: of each face, or counted."""

from workers.answers.part import Answer


class AgeAnswer(Answer):
    """Apparent age in years."""

    value: float
    #: Years between which the age lies in most cases; null when the model gives no distribution.
    range: tuple[int, int] | None
    #: Share of faces whose age lies in that range, 0 to 1; null without one.
    confidence: float | None
    #: Why there is no range; null where there is one.
    range_missing: str | None
    #: child, teenager, young_adult, adult, middle_aged or senior.
    group: str
    model: str


class GenderProbabilitiesAnswer(Answer):
    """What a network says of both, 0 to 1."""

    female: float
    male: float


class GenderAnswer(Answer):
    """Apparent gender."""

    #: "female" or "male".
    value: str
    #: Probability of the value, 0.5 to 1; null when the model gives none.
    confidence: float | None
    probabilities: GenderProbabilitiesAnswer | None
    #: Whether the confidence is too low to rely on.
    uncertain: bool
    model: str


class DemographicsAnswer(Answer):
    """What a face looks like, not who it is."""

    age: AgeAnswer
    gender: GenderAnswer


class DemographicsSummaryAnswer(Answer):
    """Ages and genders of all faces together, without any single face's."""

    faces: int
    #: By age group and by gender; groups of fewer faces than `smallest_group` are left out.
    age_groups: dict[str, int]
    genders: dict[str, int]
    smallest_group: int
