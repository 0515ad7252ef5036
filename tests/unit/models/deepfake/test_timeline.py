"""From scores of faces to stretches, people and the video: known answers."""

from collections.abc import Sequence

import pytest

from models.deepfake.results import DeepfakeScore, Reason, VerdictThresholds
from models.deepfake.timeline import robust_mean, segments
from models.deepfake.video_results import (
    ClipVerdict,
    FaceObservation,
    TimelineOptions,
    TrackVerdict,
)
from models.deepfake.video_verdict import judge_clip, judge_tracks

OPTIONS = TimelineOptions(thresholds=VerdictThresholds(authentic=0.25, manipulated=0.75))


def observed(
    track: int,
    seconds: float,
    probability: float,
    *,
    reasons: tuple[Reason, ...] = (),
    similarity: float | None = 0.8,
) -> FaceObservation:
    return FaceObservation(
        track=track,
        time_seconds=seconds,
        score=DeepfakeScore(probability=probability, usable=not reasons, reasons=reasons),
        similarity=similarity,
    )


def person(track: int, probabilities: Sequence[float], start: float = 0.0) -> list[FaceObservation]:
    """Seen twice a second."""
    return [observed(track, start + i / 2, value) for i, value in enumerate(probabilities)]


def unusable(track: int, count: int, reason: Reason = "face_too_small") -> list[FaceObservation]:
    return [observed(track, i / 2, 0.99, reasons=(reason,)) for i in range(count)]


def only(tracks: Sequence[TrackVerdict]) -> TrackVerdict:
    (track,) = tracks
    return track


def clip(
    seen: list[FaceObservation],
    options: TimelineOptions = OPTIONS,
    *,
    end_seconds: float = 10.0,
    untracked: int = 0,
) -> ClipVerdict:
    ordered = sorted(seen, key=lambda one: one.time_seconds)
    return judge_clip(
        judge_tracks(ordered, options),
        segments(ordered, [0.0], end_seconds, options),
        options,
        untracked=untracked,
    )


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], None),
        ([0.4], 0.4),
        ([0.1, 0.2, 0.3, 0.2, 1.0], 7 / 30),
        ([0.0, 0.5, 0.5, 0.5, 1.0], 0.5),
        ([1.0, 0.1], 0.55),
    ],
)
def test_the_robust_mean_drops_the_outer_values(
    values: list[float], expected: float | None
) -> None:
    assert robust_mean(values, 0.2) == (None if expected is None else pytest.approx(expected))


@pytest.mark.parametrize(
    ("probability", "verdict", "reasons"),
    [
        (0.75, "manipulated", ()),
        (0.25, "authentic", ()),
        (0.74, "inconclusive", ("between_thresholds",)),
        (0.26, "inconclusive", ("between_thresholds",)),
    ],
)
def test_a_person_is_judged_by_the_thresholds(
    probability: float, verdict: str, reasons: tuple[str, ...]
) -> None:
    track = only(judge_tracks(person(0, [probability] * 5), OPTIONS))

    assert (track.verdict, track.reasons) == (verdict, reasons)


def test_one_wild_frame_in_ten_changes_nothing() -> None:
    track = only(judge_tracks(person(0, [0.1] * 9 + [1.0]), OPTIONS))

    assert track.verdict == "authentic"
    assert track.score.probability == pytest.approx(0.1)


def test_too_few_usable_frames_are_never_a_verdict() -> None:
    track = only(judge_tracks(person(0, [0.99] * 4), OPTIONS))

    assert (track.verdict, track.reasons) == ("inconclusive", ("too_few_frames",))


def test_small_faces_say_nothing_whatever_they_score() -> None:
    seen = unusable(0, 20)

    track = only(judge_tracks(seen, OPTIONS))
    verdict = clip(seen)

    assert track.score.probability is None
    assert (track.verdict, track.reasons) == ("inconclusive", ("too_few_frames", "face_too_small"))
    assert verdict.verdict == "inconclusive"
    assert verdict.probability is None
    assert verdict.reasons == ("faces_not_judged", "too_few_frames", "face_too_small")


def test_unusable_frames_do_not_count_beside_usable_ones() -> None:
    track = only(judge_tracks([*person(0, [0.1] * 6), *unusable(0, 6)], OPTIONS))

    assert track.verdict == "authentic"
    assert (track.score.frames, track.score.usable_frames) == (12, 6)
    assert track.score.probability == pytest.approx(0.1)


def test_without_thresholds_nothing_is_firm() -> None:
    options = TimelineOptions(thresholds=None)

    verdict = clip(person(0, [0.99] * 10), options)

    assert verdict.verdict == "inconclusive"
    assert "model_uncalibrated" in verdict.reasons
    assert verdict.probability == pytest.approx(0.99)


def test_a_person_whose_scores_or_looks_jump_is_flagged_and_the_verdict_stays() -> None:
    jumping = person(0, [0.0, 0.5] * 5)
    changing = [observed(0, i / 2, 0.1, similarity=0.2) for i in range(10)]

    scores = only(judge_tracks(jumping, OPTIONS))
    looks = only(judge_tracks(changing, OPTIONS))
    calm = only(judge_tracks(person(0, [0.1] * 10), OPTIONS))

    assert (scores.flags, scores.spread, scores.verdict) == (("unstable_scores",), 0.5, "authentic")
    assert looks.flags == ("unstable_identity",)
    assert looks.similarity == pytest.approx(0.2)
    assert (calm.flags, calm.spread) == ((), 0.0)


def test_a_video_without_faces_has_no_verdict() -> None:
    assert clip([]) == ClipVerdict(verdict=None, probability=None, reasons=("no_face",))


def test_one_manipulated_person_makes_a_manipulated_video() -> None:
    verdict = clip([*person(0, [0.1] * 10), *person(1, [0.9] * 5), *unusable(2, 20)])

    assert (verdict.verdict, verdict.reasons) == ("manipulated", ())
    assert verdict.probability == pytest.approx(0.9)


def test_the_threshold_rises_with_the_number_of_people() -> None:
    thresholds = VerdictThresholds(authentic=0.3, manipulated=0.7, among=(0.7, 0.8))
    options = TimelineOptions(thresholds=thresholds)

    alone = clip([*person(0, [0.75] * 10), *unusable(1, 3)], options)
    together = clip([*person(0, [0.75] * 10), *person(1, [0.1] * 10)], options)

    assert alone.verdict == "manipulated"
    assert (together.verdict, together.reasons[-1]) == ("inconclusive", "segment_suspicious")


def test_a_video_of_authentic_people_is_authentic() -> None:
    verdict = clip([*person(0, [0.1] * 10), *person(1, [0.2] * 10)])

    assert (verdict.verdict, verdict.reasons) == ("authentic", ())
    assert verdict.probability == pytest.approx(0.2)


def test_a_passer_by_does_not_make_a_video_doubtful_but_a_second_person_does() -> None:
    passing = clip([*person(0, [0.1] * 20), *unusable(1, 5)])
    second = clip([*person(0, [0.1] * 20), *unusable(1, 6)])

    assert passing.verdict == "authentic"
    assert second.verdict == "inconclusive"
    assert second.reasons == ("faces_not_judged", "too_few_frames", "face_too_small")


def test_a_passer_by_in_the_band_makes_a_video_doubtful() -> None:
    verdict = clip([*person(0, [0.1] * 40), *person(1, [0.5] * 5)])

    assert (verdict.verdict, verdict.reasons) == ("inconclusive", ("between_thresholds",))


def test_a_manipulated_stretch_in_an_authentic_person_is_doubtful() -> None:
    seen = person(0, [0.05] * 60 + [0.95] * 10)

    verdict = clip(seen, end_seconds=35.0)

    assert only(judge_tracks(seen, OPTIONS)).verdict == "authentic"
    assert (verdict.verdict, verdict.reasons) == ("inconclusive", ("segment_suspicious",))


def test_people_who_could_not_be_followed_make_a_video_doubtful() -> None:
    verdict = clip(person(0, [0.1] * 10), untracked=1)

    assert (verdict.verdict, verdict.reasons) == ("inconclusive", ("too_many_faces",))


def test_stretches_cover_the_video_without_gaps_and_follow_the_scenes() -> None:
    parts = segments([], [0.0, 4.0], 16.0, OPTIONS)

    assert [(part.start_seconds, part.end_seconds) for part in parts] == [
        (0, 4),
        (4, 8),
        (8, 12),
        (12, 16),
    ]


def test_a_long_videos_stretches_are_longer() -> None:
    parts = segments([], [0.0], 600.0, OPTIONS)

    assert len(parts) == 12
    assert parts[0].end_seconds == pytest.approx(50)


def test_each_person_is_scored_in_each_stretch() -> None:
    seen = [observed(0, 1.0, 0.2), observed(1, 1.0, 0.9, reasons=("face_blurred",))]
    seen += [observed(0, 5.0, 0.4), observed(0, 10.0, 0.6)]

    first, second = segments(seen, [0.0], 10.0, OPTIONS)

    assert [(one.track, one.probability, one.frames) for one in first.tracks] == [
        (0, 0.2, 1),
        (1, None, 1),
    ]
    # The last frame's time may be the video's end: it counts.
    assert [(one.track, one.frames) for one in second.tracks] == [(0, 2)]
    assert second.tracks[0].probability == pytest.approx(0.5)
