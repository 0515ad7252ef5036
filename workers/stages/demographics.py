"""Apparent age and gender: of each face, or counted over all of them."""

from collections.abc import Sequence
from typing import Literal

from models.demographics.aggregate import count
from models.demographics.families import open_age, open_gender, open_joint
from models.demographics.port import Demographics
from models.results import AgeEstimate, GenderEstimate
from workers.answers.analysis import ModelAnswer
from workers.answers.demographics import (
    AgeAnswer,
    DemographicsAnswer,
    DemographicsSummaryAnswer,
    GenderAnswer,
    GenderProbabilitiesAnswer,
)
from workers.choices import demographics_candidates
from workers.devices.loaded import LoadedModel
from workers.devices.residency import Residency
from workers.stages.chips import read_together
from workers.stages.stage import Picture, StageResult
from workers.stages.used_model import model_answer

#: Whether age and gender are told of each face, or only counted over all faces.
DemographicsAnswers = Literal["per_face", "aggregate_only"]


class DemographicsStage:
    """Estimates age and gender."""

    def __init__(self, residency: Residency, *, answers: DemographicsAnswers = "per_face") -> None:
        self._residency = residency
        self._answers = answers

    def run(self, pictures: Sequence[Picture]) -> list[StageResult]:
        """See Stage.run."""
        ids = self._ids(pictures[0].options.demographics_model)
        with self._residency.use(ids) as models:
            each = _estimates(models, pictures)
            used = [model_answer(model) for model in models]
        return [self._result(estimates, used) for estimates in each]

    def _result(
        self, estimates: Sequence[Demographics], used: Sequence[ModelAnswer]
    ) -> StageResult:
        if self._answers == "aggregate_only":
            whole = {"demographics": _summary(estimates)}
            return StageResult(faces=[None] * len(estimates), models=used, whole=whole)
        answers = [
            DemographicsAnswer(
                age=_age(estimate.age, used[0].id), gender=_gender(estimate.gender, used[-1].id)
            )
            for estimate in estimates
        ]
        return StageResult(faces=answers, models=used, whole={})

    def _ids(self, name: str | None) -> list[str]:
        """One model for both, or one for the age and one for the gender, in this order."""
        residency = self._residency
        if name is None:
            defaults = residency.catalogue.defaults
            return [residency.pick(defaults.get(task, ())) for task in ("age", "gender")]
        return residency.pick_set(demographics_candidates(name, residency.catalogue))


def _estimates(
    models: Sequence[LoadedModel], pictures: Sequence[Picture]
) -> list[list[Demographics]]:
    if len(models) == 1:
        joint = models[0].view(open_joint)
        return read_together(pictures, joint.chips, joint.of_chips)
    age, gender = models[0].view(open_age), models[1].view(open_gender)
    ages = read_together(pictures, age.chips, age.of_chips)
    genders = read_together(pictures, gender.chips, gender.of_chips)
    return [
        [Demographics(age=one, gender=other) for one, other in zip(*pair, strict=True)]
        for pair in zip(ages, genders, strict=True)
    ]


def _age(age: AgeEstimate, model: str) -> AgeAnswer:
    low, high = age.low_years, age.high_years
    return AgeAnswer(
        value=round(age.years, 1),
        range=None if low is None or high is None else (low, high),
        confidence=None if age.confidence is None else round(age.confidence, 4),
        range_missing=age.reason,
        group=age.group,
        model=model,
    )


def _gender(gender: GenderEstimate, model: str) -> GenderAnswer:
    shares = gender.probabilities
    return GenderAnswer(
        value=gender.value,
        confidence=None if gender.confidence is None else round(gender.confidence, 4),
        probabilities=None
        if shares is None
        else GenderProbabilitiesAnswer(female=round(shares.female, 4), male=round(shares.male, 4)),
        uncertain=gender.uncertain,
        model=model,
    )


def _summary(estimates: Sequence[Demographics]) -> DemographicsSummaryAnswer:
    counts = count(estimates)
    return DemographicsSummaryAnswer(
        faces=counts.faces,
        age_groups=counts.age_groups,
        genders=counts.genders,
        smallest_group=counts.smallest_group,
    )
