"""A video from its file to its verdict, with scripted networks."""

from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from models.deepfake.results import DeepfakeScore, VerdictThresholds
from models.deepfake.video import VideoDeepfakeDetector, VideoOptions, VideoVerdict
from models.deepfake.video_results import TimelineOptions
from models.errors import VideoRejected
from models.results import Box, DetectedFace, Embedding, EmbeddingModel, Image
from models.video.results import VideoLimits

#: Colours of the left half: who is in the picture.
NOBODY, ANNA, BEN = (128, 128, 128), (250, 10, 10), (10, 10, 250)
SCRIPTED = EmbeddingModel(id="scripted", sha256="0" * 64, preprocessing_version="1")


def colour(image: Image) -> tuple[int, int, int]:
    red, green, blue = (int(value) for value in image[:, : image.shape[1] // 2].mean(axis=(0, 1)))
    return red, green, blue


def find(image: Image) -> list[DetectedFace]:
    """One face, unless the picture is grey."""
    red, _, blue = colour(image)
    if abs(red - blue) < 60:
        return []
    box = Box(x=0, y=0, width=48, height=48)
    return [DetectedFace(box=box, confidence=1.0, landmarks=np.zeros((5, 2), np.float32))]


class ByColour:
    """Embeds by colour and scores blue faces as manipulated."""

    def __init__(self) -> None:
        self.frames = 0

    def embed(self, image: Image, faces: Sequence[DetectedFace]) -> list[Embedding]:
        red, _, blue = colour(image)
        vector = np.array([float(red > blue), float(red <= blue)], np.float32)
        return [Embedding(vector=vector, model=SCRIPTED) for _ in faces]

    def score(self, image: Image, faces: Sequence[DetectedFace]) -> list[DeepfakeScore]:
        self.frames += 1
        red, _, blue = colour(image)
        probability = 0.9 if blue > red else 0.1
        return [DeepfakeScore(probability=probability, usable=True) for _ in faces]


@pytest.fixture
def write_clip(tmp_path: Path) -> Callable[[Sequence[tuple[int, int, int]]], Path]:
    """Ten frames a second, each of one colour, as AVI."""

    def write(colours: Sequence[tuple[int, int, int]]) -> Path:
        path = tmp_path / "clip.avi"
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (96, 64))
        for red, green, blue in colours:
            writer.write(np.full((64, 96, 3), (blue, green, red), np.uint8))
        writer.release()
        return path

    return write


WriteClip = Callable[[Sequence[tuple[int, int, int]]], Path]


def judge(path: Path, until_seconds: float | None = None) -> VideoVerdict:
    scripted = ByColour()
    thresholds = VerdictThresholds(authentic=0.3, manipulated=0.7)
    detector = VideoDeepfakeDetector(
        find=find,
        encoder=scripted,
        scorer=scripted,
        options=VideoOptions(timeline=TimelineOptions(thresholds=thresholds)),
    )
    verdict = detector.judge(path, until_seconds=until_seconds)
    assert verdict.sampled_frames == scripted.frames
    return verdict


def test_a_video_without_faces_has_no_verdict_and_says_why(write_clip: WriteClip) -> None:
    verdict = judge(write_clip([NOBODY] * 40))

    assert (verdict.clip.verdict, verdict.clip.reasons) == (None, ("no_face",))
    assert verdict.tracks == ()
    assert verdict.sampled_frames == 8
    assert [part.tracks for part in verdict.timeline] == [()]


def test_one_person_in_one_scene_is_one_track_and_authentic(write_clip: WriteClip) -> None:
    verdict = judge(write_clip([ANNA] * 40))

    (track,) = verdict.tracks
    assert verdict.clip.verdict == "authentic"
    assert track.score.probability == pytest.approx(0.1)
    assert [track.first_seconds, track.last_seconds] == pytest.approx([0.0, 3.5])
    assert verdict.analysed_seconds == pytest.approx(4.0)


def test_a_cut_to_a_manipulated_person_makes_two_tracks_and_two_stretches(
    write_clip: WriteClip,
) -> None:
    verdict = judge(write_clip([ANNA] * 40 + [BEN] * 40))

    assert verdict.clip.verdict == "manipulated"
    assert [track.verdict for track in verdict.tracks] == ["authentic", "manipulated"]
    first, second = verdict.timeline
    assert [first.start_seconds, first.end_seconds] == pytest.approx([0.0, 4.0])
    assert [one.track for one in first.tracks] == [0]
    assert [one.track for one in second.tracks] == [1]
    assert second.tracks[0].probability == pytest.approx(0.9)


def test_who_comes_back_is_the_same_track(write_clip: WriteClip) -> None:
    verdict = judge(write_clip([ANNA] * 30 + [NOBODY] * 30 + [ANNA] * 30))

    (track,) = verdict.tracks
    assert track.last_seconds > 8


def test_only_the_beginning_is_looked_at_when_asked(write_clip: WriteClip) -> None:
    verdict = judge(write_clip([ANNA] * 40 + [BEN] * 40), until_seconds=3.0)

    assert verdict.clip.verdict == "authentic"
    assert verdict.notes.stopped_early
    assert verdict.analysed_seconds == 3.0
    assert verdict.timeline[-1].end_seconds == 3.0


def test_progress_rises_to_the_end(write_clip: WriteClip) -> None:
    scripted, told = ByColour(), list[tuple[float, float]]()
    detector = VideoDeepfakeDetector(
        find=find,
        encoder=scripted,
        scorer=scripted,
        options=VideoOptions(timeline=TimelineOptions(thresholds=None)),
    )

    detector.judge(write_clip([ANNA] * 20), tick=lambda done, total: told.append((done, total)))

    assert [done for done, _ in told] == pytest.approx([0, 0.5, 1.0, 1.5])
    assert {total for _, total in told} == {2.0}


def test_limits_are_those_of_the_options(write_clip: WriteClip) -> None:
    scripted = ByColour()
    detector = VideoDeepfakeDetector(
        find=find,
        encoder=scripted,
        scorer=scripted,
        options=VideoOptions(
            timeline=TimelineOptions(thresholds=None), limits=VideoLimits(max_seconds=1)
        ),
    )

    with pytest.raises(VideoRejected) as caught:
        detector.judge(write_clip([ANNA] * 20))

    assert caught.value.code == "video_too_long"
