"""Thresholds in the words of answers."""

from collections.abc import Sequence

from workers.answers.identity import MeasuredThresholdAnswer
from workers.identities.levels import ThresholdPoint


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
