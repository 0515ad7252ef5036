"""Apparent age and gender: of each face, or counted over all of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from models.demographics.aggregate import count
from models.demographics.families import open_demographics
from models.demographics.port import Demographics, DemographicsEstimator
from models.results import AgeEstimate, DetectedFace, GenderEstimate, Image
from workers.answer import (
    AgeAnswer,
    DemographicsAnswer,
    DemographicsSummaryAnswer,
    GenderAnswer,
    GenderProbabilitiesAnswer,
)
from workers.choices import demographics_candidates
from workers.contract import AnalyzeOptions
from workers.residency import LoadedModel, Residency
from workers.stages.stage import StageResult

#: Whether age and gender are told of each face, or only counted over all faces.
DemographicsAnswers = Literal["per_face", "aggregate_only"]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Estimator:
    estimator: DemographicsEstimator
    #: One model for both, or one for the age and one for the gender.
    models: Sequence[LoadedModel]


class DemographicsStage:
    """Estimates age and gender."""

    def __init__(self, residency: Residency, *, answers: DemographicsAnswers = "per_face") -> None:
        self._residency = residency
        self._answers = answers
        self._opened: dict[str, _Estimator] = {}

    def run(
        self, image: Image, faces: Sequence[DetectedFace], options: AnalyzeOptions
    ) -> StageResult:
        """See Stage.run."""
        opened = self._open(options.demographics_model)
        estimates = opened.estimator.estimate(image, faces)
        if self._answers == "aggregate_only":
            return StageResult(
                faces=[None] * len(faces),
                models=opened.models,
                whole={"demographics": _summary(estimates)},
            )
        ids = [model.network.spec.id for model in opened.models]
        answers = [
            DemographicsAnswer(
                age=_age(estimate.age, ids[0]), gender=_gender(estimate.gender, ids[-1])
            )
            for estimate in estimates
        ]
        return StageResult(faces=answers, models=opened.models, whole={})

    def _open(self, name: str | None) -> _Estimator:
        residency = self._residency
        if name is None:
            models = [residency.for_task("age"), residency.for_task("gender")]
        else:
            sets = demographics_candidates(name, residency.catalogue)
            models = residency.first_installed_set(sets)
        key = "+".join(model.network.spec.id for model in models)
        if key not in self._opened:
            estimator = open_demographics(*(model.network for model in models))
            self._opened[key] = _Estimator(estimator=estimator, models=models)
        return self._opened[key]


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
