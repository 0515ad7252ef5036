"""What a video's answer says."""

from models.deepfake.results import DeepfakeScore, VerdictThresholds
from models.deepfake.timeline import segments
from models.deepfake.video import VideoVerdict
from models.deepfake.video_results import FaceObservation, TimelineOptions
from models.deepfake.video_verdict import judge_clip, judge_tracks
from models.results import Box
from models.video.results import ReadNotes, VideoInfo
from workers.answers.analysis import ModelAnswer
from workers.videos.answer import video_answer

OPTIONS = TimelineOptions(thresholds=VerdictThresholds(authentic=0.25, manipulated=0.75))
MODELS = [
    ModelAnswer(id=name, sha256="", device="cpu", provider="CPU", variant="fp32")
    for name in ("b", "a")
]


def verdict_on(seen: list[FaceObservation]) -> VideoVerdict:
    parts = segments(seen, [0.0], 10.0, OPTIONS)
    tracks = judge_tracks(seen, OPTIONS)
    return VideoVerdict(
        clip=judge_clip(tracks, parts, OPTIONS),
        tracks=tracks,
        timeline=parts,
        thresholds=OPTIONS.thresholds,
        info=VideoInfo(
            container="mov", codec="h264", width=96, height=64, duration_seconds=10.0, packets=250
        ),
        notes=ReadNotes(decoded_frames=250),
        sampled_frames=20,
        analysed_seconds=10.0,
        seen=tuple(seen),
    )


def faces(count: int, *, usable: bool = True, track: int = 0) -> list[FaceObservation]:
    return [
        FaceObservation(
            track=track,
            time_seconds=i / 2,
            score=DeepfakeScore(probability=0.9, usable=usable),
            similarity=0.8 if i else None,
            box=Box(x=i, y=2, width=30, height=40),
        )
        for i in range(count)
    ]


def test_everything_is_told_and_no_number_that_means_nothing() -> None:
    body = video_answer(verdict_on(faces(4)), models=MODELS).model_dump(
        mode="json", exclude_unset=True
    )

    assert (body["verdict"], body["probability"]) == ("inconclusive", None)
    assert body["reasons"] == ["faces_not_judged", "too_few_frames"]
    (track,) = body["tracks"]
    assert (track["track"], track["frames"], track["usable_frames"]) == (0, 4, 4)
    assert [part["start_seconds"] for part in body["timeline"]] == [0, 5]
    assert body["timeline"][1]["tracks"] == []
    assert set(body["models"]) == {"a", "b"}
    assert body["thresholds"]["manipulated"] == 0.75
    assert body["video"]["codec"] == "h264"
    assert body["notes"] == {
        "decoded_frames": 250,
        "corrupt_frames": 0,
        "truncated": False,
        "stopped_early": False,
    }
    # Told by workers only.
    assert "device" not in body


def test_each_person_is_where_and_when_they_were_seen() -> None:
    seen = sorted([*faces(3), *faces(1, usable=False, track=1)], key=lambda one: one.time_seconds)

    first, second = video_answer(verdict_on(seen), models=MODELS).tracks

    assert [one.time_seconds for one in first.appearances] == [0, 0.5, 1]
    assert [one.bbox.x for one in first.appearances] == [0, 1, 2]
    assert [one.similarity for one in first.appearances] == [None, 0.8, 0.8]
    assert [one.probability for one in second.appearances] == [None]


def test_no_face_is_null() -> None:
    answer = video_answer(verdict_on([]), models=MODELS)

    assert (answer.verdict, answer.probability, answer.reasons) == (None, None, ("no_face",))
    assert answer.tracks == ()
