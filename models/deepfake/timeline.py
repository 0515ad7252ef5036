"""When a video says what: its scores by person and stretch of time."""

from collections.abc import Sequence
from statistics import fmean

import numpy as np

from models.deepfake.video_results import FaceObservation, Segment, TimelineOptions, TrackScore


def robust_mean(values: Sequence[float], trim: float) -> float | None:
    """Mean of what is left when the lowest and highest values are dropped; None of nothing.

    Args:
        values: Any number.
        trim: Share dropped at each end, below 0.5; rounded down to whole values.
    """
    if not values:
        return None
    cut = int(len(values) * trim)
    return fmean(sorted(values)[cut : len(values) - cut])


def segments(
    seen: Sequence[FaceObservation],
    scene_starts: Sequence[float],
    end_seconds: float,
    options: TimelineOptions,
) -> tuple[Segment, ...]:
    """Cut the video into stretches and score each person in each.

    Args:
        seen: All faces, in the order of their times.
        scene_starts: Start of each scene, seconds, rising; the first is 0.
        end_seconds: End of what was looked at.
        options: How long a stretch may be.
    """
    longest = max(options.segment_seconds, end_seconds / options.max_stretches)
    borders: list[float] = []
    for start, end in zip(scene_starts, [*scene_starts[1:], end_seconds], strict=True):
        pieces = max(1, int(np.ceil((end - start) / longest - 1e-9)))
        borders += [start + (end - start) * piece / pieces for piece in range(pieces)]
    # Nothing seen falls off the end: the last frame's time may be the end itself.
    edges = [*borders[1:], float("inf")]
    return tuple(
        Segment(
            start_seconds=start,
            end_seconds=min(edge, end_seconds),
            tracks=person_scores(
                [one for one in seen if start <= one.time_seconds < edge], options
            ),
        )
        for start, edge in zip(borders, edges, strict=True)
    )


def person_scores(
    seen: Sequence[FaceObservation], options: TimelineOptions
) -> tuple[TrackScore, ...]:
    """Score each person among the faces, by track."""
    return tuple(
        _score(track, of_track(seen, track), options)
        for track in sorted({one.track for one in seen})
    )


def _score(track: int, own: Sequence[FaceObservation], options: TimelineOptions) -> TrackScore:
    usable = usable_scores(own)
    return TrackScore(
        track=track,
        probability=robust_mean(usable, options.trim),
        frames=len(own),
        usable_frames=len(usable),
    )


def usable_scores(own: Sequence[FaceObservation]) -> list[float]:
    """P(manipulated) of the faces that may be judged."""
    return [one.score.probability for one in own if one.score.usable]


def of_track(seen: Sequence[FaceObservation], track: int) -> list[FaceObservation]:
    """The faces of one person."""
    return [one for one in seen if one.track == track]
