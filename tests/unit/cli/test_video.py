"""`facesocial video`: what it prints, and how it refuses."""

import io
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from rich.console import Console
from typer.testing import CliRunner

from cli.main import app
from cli.video_report import show, sparkline
from models.deepfake.results import DeepfakeScore, VerdictThresholds
from models.deepfake.timeline import segments
from models.deepfake.video import VideoVerdict
from models.deepfake.video_results import FaceObservation, TimelineOptions
from models.deepfake.video_verdict import judge_clip, judge_tracks
from models.errors import WeightsMissing
from models.video.results import ReadNotes, VideoInfo

OPTIONS = TimelineOptions(thresholds=VerdictThresholds(authentic=0.25, manipulated=0.75))


def verdict_on(seen: list[FaceObservation], notes: ReadNotes | None = None) -> VideoVerdict:
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
        notes=notes or ReadNotes(decoded_frames=250),
        sampled_frames=20,
        analysed_seconds=10.0,
    )


def seen(
    track: int, count: int, probability: float, *, usable: bool = True
) -> list[FaceObservation]:
    return [
        FaceObservation(
            track=track,
            time_seconds=i / 2,
            score=DeepfakeScore(
                probability=probability,
                usable=usable,
                reasons=() if usable else ("face_too_small",),
            ),
            similarity=0.9,
        )
        for i in range(count)
    ]


def printed(verdict: VideoVerdict) -> str:
    out = io.StringIO()
    show(Console(file=out, width=140), Path("clip.mp4"), verdict)
    return out.getvalue()


@pytest.mark.parametrize(
    ("probabilities", "line"),
    [
        ([], ""),
        ([0.0, 0.5, 1.0], "▁▅█"),
        ([None, 0.0, None], "·▁·"),
        ([i / 7 for i in range(8)], "▁▂▃▄▅▆▇█"),
    ],
)
def test_a_sparkline_rises_with_the_probability(
    probabilities: list[float | None], line: str
) -> None:
    assert sparkline(probabilities) == line


def test_the_table_has_the_verdict_each_person_and_each_stretch() -> None:
    text = printed(verdict_on([*seen(0, 20, 0.05), *seen(1, 20, 0.95)]))

    assert text.startswith("clip.mp4: manipulated, P(manipulated) 0.95\n")
    assert "authentic" in text
    assert "20 of 20" in text
    assert "▁▁" in text
    assert "██" in text
    assert "5.0 s" in text
    assert "0.95 (10 of 10)" in text
    assert "Looked at 20 of 250 frames in 10.0 of 10.0 seconds." in text


def test_a_video_without_faces_gets_a_reason_and_no_table() -> None:
    text = printed(verdict_on([]))

    assert text.startswith("clip.mp4: no verdict (no_face)\n")
    assert "person" not in text


def test_unusable_faces_are_shown_without_a_number() -> None:
    text = printed(verdict_on(seen(0, 20, 0.99, usable=False)))

    assert "inconclusive" in text
    assert "face_too_small" in text
    assert "0.99" not in text
    assert "0 of 20" in text


def test_damage_and_further_people_are_told() -> None:
    many = [one for track in range(8) for one in seen(track, 5, 0.1)]
    many.sort(key=lambda one: one.time_seconds)
    notes = ReadNotes(decoded_frames=40, corrupt_frames=3, truncated=True)

    text = printed(verdict_on(many, notes))

    assert "2 more people are in the JSON" in text
    assert "3 damaged frames were left out." in text
    assert "The file ends before its header says." in text


def test_what_is_no_video_ends_with_one_line_and_code_1(root: Path, tmp_path: Path) -> None:
    path = tmp_path / "picture.mp4"
    path.write_bytes(cv2.imencode(".png", np.zeros((8, 8, 3), np.uint8))[1].tobytes())

    result = subprocess.run(
        [sys.executable, "-m", "cli.main", "video", str(path)],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert result.returncode == 1
    assert result.stdout == ""
    assert len(result.stderr.splitlines()) == 1
    assert result.stderr.startswith("facesocial: This is no MP4, MOV, WebM or AVI video")


def test_missing_weights_are_said_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FACESOCIAL_WEIGHTS_DIR", str(tmp_path / "none"))
    path = tmp_path / "clip.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (96, 64))
    for _ in range(5):
        writer.write(np.full((64, 96, 3), 90, np.uint8))
    writer.release()

    result = CliRunner().invoke(app, ["video", str(path)])

    assert isinstance(result.exception, WeightsMissing)
    assert "facesocial models pull" in str(result.exception)
