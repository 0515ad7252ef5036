"""From the scores of single faces to the verdict on each person and on the video."""

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

from models.deepfake.results import Reason, Verdict
from models.deepfake.timeline import of_track, person_scores, usable_scores
from models.deepfake.video_results import (
    ClipVerdict,
    FaceObservation,
    Flag,
    Segment,
    TimelineOptions,
    TrackScore,
    TrackVerdict,
    VideoReason,
)


def judge_tracks(
    seen: Sequence[FaceObservation], options: TimelineOptions
) -> tuple[TrackVerdict, ...]:
    """Judge every person seen, by track.

    The more people there are to judge, the higher the threshold for each (see VerdictThresholds).
    """
    scores = person_scores(seen, options)
    judged = sum(score.usable_frames >= options.min_usable_frames for score in scores)
    return tuple(
        _judge(score, of_track(seen, score.track), options, people=judged) for score in scores
    )


def judge_clip(
    tracks: Sequence[TrackVerdict],
    stretches: Sequence[Segment],
    options: TimelineOptions,
    *,
    untracked: int = 0,
) -> ClipVerdict:
    """Judge the video: manipulated if any person is; authentic only if nothing speaks against it.

    Args:
        tracks: The people.
        stretches: The segments.
        options: Thresholds and shares.
        untracked: Faces that could not be followed.
    """
    if not tracks:
        return ClipVerdict(verdict=None, probability=None, reasons=("no_face",))
    judged = [
        track.score.probability
        for track in tracks
        if track.score.usable_frames >= options.min_usable_frames
        and track.score.probability is not None
    ]
    probability = max(judged, default=None)
    if any(track.verdict == "manipulated" for track in tracks):
        return ClipVerdict(verdict="manipulated", probability=probability, reasons=())
    doubts = _doubts(tracks, stretches, options, untracked=untracked)
    verdict: Verdict = "inconclusive" if doubts else "authentic"
    return ClipVerdict(verdict=verdict, probability=probability, reasons=doubts)


def _doubts(
    tracks: Sequence[TrackVerdict],
    stretches: Sequence[Segment],
    options: TimelineOptions,
    *,
    untracked: int,
) -> tuple[VideoReason, ...]:
    """What speaks against calling a video authentic in which nobody is manipulated."""
    unsure = [track for track in tracks if track.verdict == "inconclusive"]
    frames = sum(track.score.frames for track in tracks)
    sure_frames = frames - sum(track.score.frames for track in unsure)
    doubts: list[VideoReason] = []
    if sure_frames < options.min_judged_share * frames:
        doubts += ["faces_not_judged", *(reason for track in unsure for reason in track.reasons)]
    # A score in the band, or without thresholds, is a judgement that was made and is not firm.
    doubts += [
        reason
        for track in unsure
        for reason in track.reasons
        if reason in {"between_thresholds", "model_uncalibrated"}
    ]
    if any(_is_suspicious(score, options) for part in stretches for score in part.tracks):
        doubts.append("segment_suspicious")
    if untracked:
        doubts.append("too_many_faces")
    return _unique(doubts)


def _is_suspicious(score: TrackScore, options: TimelineOptions) -> bool:
    return (
        options.thresholds is not None
        and score.probability is not None
        and score.usable_frames >= options.min_usable_frames
        and score.probability >= options.thresholds.manipulated
    )


def _judge(
    score: TrackScore, own: Sequence[FaceObservation], options: TimelineOptions, *, people: int
) -> TrackVerdict:
    usable = usable_scores(own)
    spread = float(np.subtract(*np.percentile(usable, [75, 25]))) if usable else None
    alike = [one.similarity for one in own if one.similarity is not None]
    similarity = float(np.median(alike)) if alike else None
    flags: list[Flag] = []
    if spread is not None and spread > options.max_spread:
        flags.append("unstable_scores")
    if similarity is not None and similarity < options.min_similarity:
        flags.append("unstable_identity")
    verdict, reasons = _verdict(score, own, options, people=people)
    return TrackVerdict(
        score=score,
        first_seconds=own[0].time_seconds,
        last_seconds=own[-1].time_seconds,
        verdict=verdict,
        reasons=reasons,
        spread=spread,
        similarity=similarity,
        flags=tuple(flags),
    )


def _verdict(
    score: TrackScore, own: Sequence[FaceObservation], options: TimelineOptions, *, people: int
) -> tuple[Verdict, tuple[VideoReason, ...]]:
    if score.probability is None or score.usable_frames < options.min_usable_frames:
        return "inconclusive", ("too_few_frames", *_commonest_reasons(own))
    if options.thresholds is None:
        return "inconclusive", ("model_uncalibrated",)
    if score.probability >= options.thresholds.manipulated_among(people):
        return "manipulated", ()
    if score.probability <= options.thresholds.authentic:
        return "authentic", ()
    return "inconclusive", ("between_thresholds",)


def _commonest_reasons(own: Sequence[FaceObservation]) -> list[Reason]:
    counts = Counter(reason for one in own for reason in one.score.reasons)
    return [reason for reason, _ in counts.most_common()]


def _unique(reasons: Iterable[VideoReason]) -> tuple[VideoReason, ...]:
    return tuple(dict.fromkeys(reasons))
