"""What a calibration measured, as tables and sentences."""

from collections.abc import Sequence

from rich.table import Table

from cli.identity_tables import counted
from cli.record_tables import plain_table
from workers.identities.calibration_answer import CalibrateAnswer

#: Rates of searches that are missing are told down to this one.
_TOLD_FPIRS = (1e-1, 1e-2, 1e-3)


def sentence(answer: CalibrateAnswer) -> str:
    """What was measured on what."""
    part = "" if answer.faces == answer.collection_faces else f" of {answer.collection_faces}"
    faces = counted(answer.faces, "face") if not part else f"{answer.faces}{part} faces"
    return (
        f"{answer.collection}: {faces} of {counted(answer.persons, 'person')} by"
        f" {answer.model or 'no model'}, {counted(answer.genuine_pairs, 'pair')} of one person and"
        f" {answer.impostor_pairs} of two."
    )


def comparisons_table(answer: CalibrateAnswer) -> Table:
    """Thresholds for comparing two faces."""
    table = plain_table("false accept rate", "similarity from", "really, 95 %", "true accept rate")
    for point in answer.points:
        tar = "unknown"
        if point.tar is not None and point.tar_low is not None and point.tar_high is not None:
            tar = f"{point.tar:.4f} ({point.tar_low:.4f} to {point.tar_high:.4f})"
        table.add_row(
            f"{point.far:g}",
            f"{point.similarity:.4f}",
            f"{point.far_low:.2g} to {point.far_high:.2g}",
            tar,
        )
    return table


def searches_table(answer: CalibrateAnswer) -> Table:
    """Thresholds for searching the collection."""
    table = plain_table(
        "strangers named, at most", "similarity from", "measured", "up to so many faces"
    )
    for search in answer.searches:
        table.add_row(
            f"{search.fpir:g}",
            f"{search.similarity:.4f}",
            f"{search.measured:.4f}",
            str(search.faces),
        )
    return table


def notes_of(answer: CalibrateAnswer) -> Sequence[str]:
    """What could not be measured, and why."""
    notes = [
        f"No threshold for a false accept rate of {one.far:g}: {one.reason}"
        for one in answer.unsupported
    ]
    measured = [search.fpir for search in answer.searches]
    missing = [f"{fpir:g}" for fpir in _TOLD_FPIRS if fpir not in measured]
    if missing:
        notes.append(
            f"No threshold for searches that may name {', '.join(missing)} of strangers: "
            "too few persons."
        )
    return notes
