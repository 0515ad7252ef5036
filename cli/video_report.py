"""What `facesocial video` prints: a table over time with a sparkline for each person."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from models.deepfake.video import VideoVerdict
from models.deepfake.video_results import Segment, TrackScore, TrackVerdict

#: People shown as columns; the JSON has all.
MAX_COLUMNS = 6
#: From 0 to 1; a dot where there is no usable face.
_BLOCKS, _NOTHING = "▁▂▃▄▅▆▇█", "·"


def show(console: Console, file: Path, verdict: VideoVerdict) -> None:
    """Print the verdict, the timeline, and what a reader must know."""
    clip = verdict.clip
    said: str = clip.verdict or "no verdict"
    if clip.probability is not None:
        said += f", P(manipulated) {clip.probability:.2f}"
    if clip.reasons:
        said += f" ({', '.join(clip.reasons)})"
    console.print(f"{file.name}: {said}", markup=False, soft_wrap=True)
    people = sorted(verdict.tracks, key=lambda track: -track.score.frames)[:MAX_COLUMNS]
    if people:
        console.print(_people(people, verdict.timeline))
        console.print(_timeline(people, verdict.timeline))
    for note in _notes(verdict, shown=len(people)):
        console.print(note, markup=False, soft_wrap=True)


def _people(people: Sequence[TrackVerdict], timeline: Sequence[Segment]) -> Table:
    table = Table("person", "verdict", "P(manipulated)", "usable frames", "over time", "why")
    for track in people:
        score = track.score
        table.add_row(
            str(score.track),
            track.verdict,
            _number(score.probability),
            f"{score.usable_frames} of {score.frames}",
            sparkline([_probability(part, score.track) for part in timeline]),
            ", ".join((*track.reasons, *track.flags)),
        )
    return table


def _timeline(people: Sequence[TrackVerdict], timeline: Sequence[Segment]) -> Table:
    table = Table("from", "to", *(f"person {track.score.track}" for track in people))
    for part in timeline:
        cells = [_cell(_score(part, track.score.track)) for track in people]
        table.add_row(f"{part.start_seconds:.1f} s", f"{part.end_seconds:.1f} s", *cells)
    return table


def sparkline(probabilities: Sequence[float | None]) -> str:
    """One block for each stretch: higher for a higher probability, a dot for none."""
    last = len(_BLOCKS) - 1
    return "".join(
        _NOTHING if value is None else _BLOCKS[round(min(max(value, 0.0), 1.0) * last)]
        for value in probabilities
    )


def _notes(verdict: VideoVerdict, *, shown: int) -> list[str]:
    read, notes = verdict.notes, []
    if shown < len(verdict.tracks):
        notes.append(f"{len(verdict.tracks) - shown} more people are in the JSON (--json).")
    if read.truncated:
        notes.append("The file ends before its header says.")
    if read.corrupt_frames:
        notes.append(f"{read.corrupt_frames} damaged frames were left out.")
    notes.append(
        f"Looked at {verdict.sampled_frames} of {read.decoded_frames} frames in"
        f" {verdict.analysed_seconds:.1f} of {verdict.info.duration_seconds:.1f} seconds."
    )
    return notes


def _score(part: Segment, track: int) -> TrackScore | None:
    return next((score for score in part.tracks if score.track == track), None)


def _probability(part: Segment, track: int) -> float | None:
    score = _score(part, track)
    return None if score is None else score.probability


def _cell(score: TrackScore | None) -> str:
    if score is None:
        return ""
    return f"{_number(score.probability)} ({score.usable_frames} of {score.frames})"


def _number(probability: float | None) -> str:
    return "-" if probability is None else f"{probability:.2f}"
