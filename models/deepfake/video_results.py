"""What judging a video takes and answers: frozen values with units and ranges."""

from dataclasses import dataclass
from typing import Literal

from models.deepfake.results import DeepfakeScore, Reason, Verdict, VerdictThresholds
from models.results import Box

#: Why a track or a video has no firm verdict, besides the reasons a single face has.
#: `too_few_frames`: too few usable frames to judge. `segment_suspicious`: some stretch scores as
#: manipulated although the whole does not. `faces_not_judged`: a good part of the faces seen
#: belongs to people who could not be judged. `too_many_faces`: more people than are followed.
VideoReason = (
    Reason | Literal["too_few_frames", "segment_suspicious", "faces_not_judged", "too_many_faces"]
)
#: What is odd about a track in time. No verdict rests on it.
Flag = Literal["unstable_scores", "unstable_identity"]


@dataclass(frozen=True, kw_only=True, slots=True)
class TimelineOptions:
    """How scores become verdicts."""

    #: Borders of the inconclusive band; None when the model has none, then nothing is firm.
    thresholds: VerdictThresholds | None
    #: Usable frames a verdict on a track or a stretch needs at least.
    min_usable_frames: int = 5
    #: Share of the scores left out at each end before their mean is taken: single bad frames.
    trim: float = 0.2
    #: An interquartile range of a track's scores above this is flagged.
    max_spread: float = 0.3
    #: A median similarity within a track below this is flagged: the face does not stay itself.
    min_similarity: float = 0.363
    #: Segments are scenes, cut into stretches of at most this length ...
    segment_seconds: float = 5.0
    #: ... or of the video's length divided by this, so that long videos' stretches hold enough
    #: of the sampled frames.
    max_stretches: int = 12
    #: Share of the faces seen that must belong to tracks judged authentic before a video is.
    min_judged_share: float = 0.8


@dataclass(frozen=True, kw_only=True, slots=True)
class FaceObservation:
    """One face in one sampled frame."""

    #: Number of its track.
    track: int
    time_seconds: float
    score: DeepfakeScore
    #: Cosine similarity to the track's earlier faces; None for its first.
    similarity: float | None
    #: Where, in pixels of the upright frame; may reach beyond its edges. None: nobody kept it.
    box: Box | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class TrackScore:
    """One person within a stretch of time."""

    track: int
    #: P(manipulated) over the usable frames, 0 to 1; None when none is usable.
    probability: float | None
    #: Sampled frames in which the person is seen, and in how many of them the face is usable.
    frames: int
    usable_frames: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Segment:
    """A stretch of the video."""

    start_seconds: float
    end_seconds: float
    #: The people seen in it, by track.
    tracks: tuple[TrackScore, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class TrackVerdict:
    """The judgement of one person over the whole video."""

    score: TrackScore
    first_seconds: float
    last_seconds: float
    verdict: Verdict
    #: Why it is not firm; empty when it is.
    reasons: tuple[VideoReason, ...]
    #: Interquartile range of the usable scores, 0 to 1; None when none is usable.
    spread: float | None
    #: Median cosine similarity of each face to the earlier ones; None for a single face.
    similarity: float | None
    flags: tuple[Flag, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ClipVerdict:
    """The judgement of the whole video."""

    #: None when there was no face to judge.
    verdict: Verdict | None
    #: Highest P(manipulated) of the people with enough usable frames, 0 to 1; None without any.
    probability: float | None
    #: Why it is not firm; empty when it is.
    reasons: tuple[VideoReason, ...]
