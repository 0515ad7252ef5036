"""What is known of a video, as users see it; times in seconds from its beginning."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from models.deepfake.video import VideoVerdict
from models.deepfake.video_results import (
    FaceObservation,
    Segment,
    TrackScore,
    TrackVerdict,
)
from models.results import Box
from models.video.results import ReadNotes, VideoInfo
from workers.answers.analysis import BoxAnswer, ModelAnswer
from workers.answers.identity import IdentificationAnswer, IdentityAnswer
from workers.answers.part import Answer
from workers.answers.work import WorkAnswer
from workers.naming import Named

#: Digits behind the point of probabilities, similarities and seconds.
DIGITS = 4


class BandAnswer(Answer):
    """The borders of the inconclusive band: probabilities of manipulation, 0 to 1."""

    #: Highest that is called authentic, and lowest that is called manipulated where one is judged.
    authentic: float
    manipulated: float
    #: The second border where as many people as the element's place are judged.
    among: tuple[float, ...]


class TrackScoreAnswer(Answer):
    """One person within a stretch of time."""

    #: Number of the person in this video, from 0.
    track: int
    #: Of manipulation, over the usable frames, 0 to 1; null when none is usable.
    probability: float | None
    #: Frames in which the person is seen, and in how many of them the face is usable.
    frames: int
    usable_frames: int


class AppearanceAnswer(Answer):
    """A person in one frame."""

    time_seconds: float
    #: In pixels of the upright frame; may reach beyond its edges.
    bbox: BoxAnswer
    #: Of manipulation, of this frame alone, 0 to 1; null when the face is not usable.
    probability: float | None
    #: Cosine similarity to the person's earlier faces, -1 to 1; null for the first.
    similarity: float | None


class TrackAnswer(TrackScoreAnswer):
    """One person over the whole video."""

    #: "authentic", "manipulated" or "inconclusive".
    verdict: str
    #: Why it is not firm; empty when it is.
    reasons: tuple[str, ...]
    first_seconds: float
    last_seconds: float
    #: Interquartile range of the usable scores, 0 to 1; null when none is usable.
    spread: float | None
    #: Median cosine similarity of each face to the earlier ones; null for a single face.
    similarity: float | None
    #: What is odd in time: unstable_scores, unstable_identity. No verdict rests on it.
    flags: tuple[str, ...]
    #: Where the person is seen, by time.
    appearances: tuple[AppearanceAnswer, ...]
    #: Who it is, by one vote of all frames; only where a collection was named.
    identity: IdentityAnswer | None = None


class SegmentAnswer(Answer):
    """A stretch of the video: a scene, or part of one."""

    start_seconds: float
    end_seconds: float
    #: The people seen in it.
    tracks: tuple[TrackScoreAnswer, ...]


class VideoInfoAnswer(Answer):
    """The video as its packets show it, which may differ from what its header says."""

    #: "mov" (MP4, MOV), "matroska" (WebM) or "avi".
    container: str
    #: Such as "h264".
    codec: str
    #: Of the frames as players show them, pixels: upright, as boxes are.
    width: int
    height: int
    duration_seconds: float
    #: Coded frames.
    packets: int


class ReadNotesAnswer(Answer):
    """How the reading went."""

    decoded_frames: int
    #: Frames that were left out because they are damaged.
    corrupt_frames: int
    #: Whether the file ends before its header says.
    truncated: bool
    #: Whether reading stopped at the second that was asked for.
    stopped_early: bool


class VideoAnswer(WorkAnswer):
    """Who appears when in a video, and whether it is manipulated."""

    #: "authentic", "manipulated" or "inconclusive"; null when there was no face to judge.
    verdict: Literal["authentic", "manipulated", "inconclusive"] | None
    #: Of manipulation: the highest of the people with enough usable frames; null without any.
    probability: float | None
    #: Why the verdict is not firm; empty when it is.
    reasons: tuple[str, ...]
    #: What probabilities were held against; null when the model has no measured thresholds.
    thresholds: BandAnswer | None
    tracks: tuple[TrackAnswer, ...]
    #: The stretches in their order, without gaps.
    timeline: tuple[SegmentAnswer, ...]
    video: VideoInfoAnswer
    notes: ReadNotesAnswer
    #: Frames that were looked at, and how far into the video.
    sampled_frames: int
    analysed_seconds: float
    #: The models that took part, by id.
    models: dict[str, ModelAnswer]
    #: How people were named; only where a collection was.
    identification: IdentificationAnswer | None = None


def video_answer(
    verdict: VideoVerdict, *, models: Iterable[ModelAnswer], named: Named | None = None
) -> VideoAnswer:
    """A verdict as users see it.

    Args:
        verdict: What is known of the video.
        models: The models that took part.
        named: Who the people are, in the order of the tracks; None: that was not asked.
    """
    clip = verdict.clip
    seen: dict[int, list[FaceObservation]] = defaultdict(list)
    for one in verdict.seen:
        seen[one.track].append(one)
    tracks = [_track(track, seen) for track in verdict.tracks]
    who: dict[str, Any] = {}
    if named is not None:
        tracks = [
            track.model_copy(update={"identity": identity})
            for track, identity in zip(tracks, named.faces, strict=True)
        ]
        who["identification"] = named.whole
    return VideoAnswer(
        verdict=clip.verdict,
        probability=_rounded(clip.probability),
        reasons=clip.reasons,
        thresholds=_band(verdict),
        tracks=tuple(tracks),
        timeline=tuple(map(_segment, verdict.timeline)),
        video=_video(verdict.info),
        notes=_notes(verdict.notes),
        sampled_frames=verdict.sampled_frames,
        analysed_seconds=round(verdict.analysed_seconds, DIGITS),
        models={model.id: model for model in models},
        **who,
    )


def _video(info: VideoInfo) -> VideoInfoAnswer:
    return VideoInfoAnswer(
        container=info.container,
        codec=info.codec,
        width=info.width,
        height=info.height,
        duration_seconds=round(info.duration_seconds, DIGITS),
        packets=info.packets,
    )


def _notes(notes: ReadNotes) -> ReadNotesAnswer:
    return ReadNotesAnswer(
        decoded_frames=notes.decoded_frames,
        corrupt_frames=notes.corrupt_frames,
        truncated=notes.truncated,
        stopped_early=notes.stopped_early,
    )


def _band(verdict: VideoVerdict) -> BandAnswer | None:
    limits = verdict.thresholds
    if limits is None:
        return None
    return BandAnswer(
        authentic=limits.authentic, manipulated=limits.manipulated, among=limits.among
    )


def _track(track: TrackVerdict, seen: Mapping[int, Sequence[FaceObservation]]) -> TrackAnswer:
    return TrackAnswer(
        **_score(track.score).model_dump(),
        verdict=track.verdict,
        reasons=track.reasons,
        first_seconds=round(track.first_seconds, DIGITS),
        last_seconds=round(track.last_seconds, DIGITS),
        spread=_rounded(track.spread),
        similarity=_rounded(track.similarity),
        flags=track.flags,
        appearances=tuple(
            _appearance(one, one.box) for one in seen.get(track.score.track, ()) if one.box
        ),
    )


def _appearance(one: FaceObservation, box: Box) -> AppearanceAnswer:
    return AppearanceAnswer(
        time_seconds=round(one.time_seconds, DIGITS),
        bbox=BoxAnswer(
            x=round(box.x, 2),
            y=round(box.y, 2),
            width=round(box.width, 2),
            height=round(box.height, 2),
        ),
        probability=round(one.score.probability, DIGITS) if one.score.usable else None,
        similarity=_rounded(one.similarity),
    )


def _segment(part: Segment) -> SegmentAnswer:
    return SegmentAnswer(
        start_seconds=round(part.start_seconds, DIGITS),
        end_seconds=round(part.end_seconds, DIGITS),
        tracks=tuple(map(_score, part.tracks)),
    )


def _score(score: TrackScore) -> TrackScoreAnswer:
    return TrackScoreAnswer(
        track=score.track,
        probability=_rounded(score.probability),
        frames=score.frames,
        usable_frames=score.usable_frames,
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, DIGITS)
