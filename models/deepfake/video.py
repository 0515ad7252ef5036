"""Is a video manipulated? Sample it, follow the people in it, judge each, then the whole."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Protocol

from models.deepfake.results import FaceScorer, VerdictThresholds
from models.deepfake.timeline import segments
from models.deepfake.video_results import (
    ClipVerdict,
    FaceObservation,
    Segment,
    TimelineOptions,
    TrackVerdict,
)
from models.deepfake.video_verdict import judge_clip, judge_tracks
from models.results import DetectedFace, Embedding, Image
from models.video.reader import VideoReader
from models.video.results import ReadNotes, VideoFrame, VideoInfo, VideoLimits
from models.video.sampling import FrameSampler, SamplingOptions
from models.video.tracking import FaceTracker, TrackingOptions

#: Told after each sampled frame: its time, and the time at which the work ends, seconds.
Tick = Callable[[float, float], None]


def no_tick(_done_seconds: float, _total_seconds: float) -> None:
    """Ignore progress."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Sighting:
    """A person in one frame, before only what is judged is kept."""

    #: Number of the person's track.
    track: int
    #: The frame, (H, W, 3) uint8, RGB.
    image: Image
    face: DetectedFace
    embedding: Embedding


#: Told of every face that is followed.
Watch = Callable[[Sighting], None]


def no_watch(_sighting: Sighting) -> None:
    """Ignore who is seen."""


class FaceEncoder(Protocol):
    """Embeds faces; `models.recognition.embedder.FaceEmbedder` is one."""

    def embed(self, image: Image, faces: Sequence[DetectedFace]) -> list[Embedding]:
        """The embedding of each face of one image, in their order."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class VideoOptions:
    """How a video is judged."""

    timeline: TimelineOptions
    limits: VideoLimits = field(default_factory=VideoLimits)
    sampling: SamplingOptions = field(default_factory=SamplingOptions)
    tracking: TrackingOptions = field(default_factory=TrackingOptions)


@dataclass(frozen=True, kw_only=True, slots=True)
class VideoVerdict:
    """What is known of a video."""

    clip: ClipVerdict
    tracks: tuple[TrackVerdict, ...]
    #: The stretches of the video in their order, without gaps.
    timeline: tuple[Segment, ...]
    #: What the scores were held against; None when the model has none.
    thresholds: VerdictThresholds | None
    info: VideoInfo
    notes: ReadNotes
    #: Frames that were looked at, and how far into the video.
    sampled_frames: int
    analysed_seconds: float
    #: Every face that was followed, by time.
    seen: tuple[FaceObservation, ...] = ()


class VideoDeepfakeDetector:
    """Judges videos with a detector, an embedder and a scorer of single faces."""

    def __init__(
        self,
        *,
        find: Callable[[Image], Sequence[DetectedFace]],
        encoder: FaceEncoder,
        scorer: FaceScorer,
        options: VideoOptions,
    ) -> None:
        """Take over loaded models.

        Args:
            find: Finds the faces of an RGB image, largest first.
            encoder: Tells people apart.
            scorer: Scores single faces.
            options: Limits and thresholds.
        """
        self._find = find
        self._encoder = encoder
        self._scorer = scorer
        self._options = options

    def judge(
        self,
        source: Path | BinaryIO,
        *,
        until_seconds: float | None = None,
        tick: Tick = no_tick,
        watch: Watch = no_watch,
    ) -> VideoVerdict:
        """Judge a video; one frame is in memory at a time.

        Args:
            source: A path, or a file that can seek.
            until_seconds: Look only at what comes before; None: at everything.
            tick: Told of progress.
            watch: Told who is seen, for those who want to know more of them.

        Raises:
            VideoRejected: it can't be decoded, or is over a limit.
            InferenceFailed: the runtime refused a run.
        """
        with VideoReader(source, self._options.limits) as reader:
            end = min(reader.info.duration_seconds, until_seconds or float("inf"))
            sampler = FrameSampler(end, self._options.sampling)
            tracker = FaceTracker(self._options.tracking)
            seen: list[FaceObservation] = []
            sampled, last_seconds = 0, 0.0
            for frame in reader.frames(sampler, until_seconds=until_seconds):
                seen += self._look(frame, tracker, watch)
                sampled, last_seconds = sampled + 1, frame.time_seconds
                tick(last_seconds, end)
            # Decoded times may lie a little past what the packets say.
            end = max(end, last_seconds)
            timeline = self._options.timeline
            parts = segments(seen, sampler.scene_starts, end, timeline)
            tracks = judge_tracks(seen, timeline)
            return VideoVerdict(
                clip=judge_clip(tracks, parts, timeline, untracked=tracker.untracked),
                tracks=tracks,
                timeline=parts,
                thresholds=timeline.thresholds,
                info=reader.info,
                notes=reader.notes,
                sampled_frames=sampled,
                analysed_seconds=end,
                seen=tuple(seen),
            )

    def _look(self, frame: VideoFrame, tracker: FaceTracker, watch: Watch) -> list[FaceObservation]:
        """The faces of one frame that are followed."""
        faces = self._find(frame.pixels)
        embeddings = self._encoder.embed(frame.pixels, faces)
        matches = tracker.update(
            time_seconds=frame.time_seconds,
            scene=frame.scene,
            faces=faces,
            embeddings=embeddings,
        )
        for face, match, embedding in zip(faces, matches, embeddings, strict=True):
            if match is not None:
                watch(
                    Sighting(track=match.track, image=frame.pixels, face=face, embedding=embedding)
                )
        scores = self._scorer.score(frame.pixels, faces)
        return [
            FaceObservation(
                track=match.track,
                time_seconds=frame.time_seconds,
                score=score,
                similarity=match.similarity,
                box=face.box,
            )
            for face, match, score in zip(faces, matches, scores, strict=True)
            if match is not None
        ]
