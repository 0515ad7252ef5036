"""Known people and thresholds in the words of answers."""

from collections.abc import Sequence

from workers.identities.levels import ThresholdPoint
from workers.identities.records import Person
from workers.identity_answer import KnownPersonAnswer, MeasuredThresholdAnswer


def known_person(person: Person) -> KnownPersonAnswer:
    """A person, without what is not told where faces are named."""
    return KnownPersonAnswer(
        id=person.id,
        name=person.name,
        external_id=person.external_id,
        metadata=dict(person.metadata),
    )


def measured_thresholds(points: Sequence[ThresholdPoint]) -> tuple[MeasuredThresholdAnswer, ...]:
    """Thresholds, by falling false accept rate."""
    return tuple(
        MeasuredThresholdAnswer(
            far=point.far,
            similarity=point.similarity,
            tar=point.tar,
            far_limit=point.far_limit,
        )
        for point in points
    )
