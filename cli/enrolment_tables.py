"""What became of photos that were to be enrolled, as tables and lines."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from rich.table import Table

from cli.record_tables import plain_table
from client import EnrollmentReport
from client.person_records import ConflictingPhoto, RefusedPhoto


def photos_table(photos: Sequence[Mapping[str, Any]]) -> Table:
    """Photos of one person, a row each."""
    table = plain_table("photo", "outcome", "why", "what to do")
    for photo in photos:
        table.add_row(
            photo["filename"] or str(photo["index"] + 1),
            photo["outcome"],
            ", ".join((*photo["reasons"], *photo["warnings"])),
            _remedy(photo["reasons"], photo["message"]) + _likeness(photo.get("similar_to")),
        )
    return table


def refused_table(photos: Sequence[RefusedPhoto]) -> Table:
    """Photos of a bulk enrolment that were not taken, a row each."""
    table = plain_table("photo", "person", "why", "what to do")
    for photo in photos:
        other = photo.similar_to.model_dump() if photo.similar_to else None
        message = _remedy((photo.code,), photo.message) + _likeness(other)
        table.add_row(photo.file, photo.person_id, photo.code, message)
    return table


def conflicts_table(photos: Sequence[ConflictingPhoto]) -> Table:
    """Photos of a bulk enrolment that resemble somebody else, a row each."""
    table = plain_table("photo", "person", "resembles", "similarity", "outcome")
    for photo in photos:
        other = photo.similar_to
        table.add_row(
            photo.file,
            photo.person_id,
            other.person_id,
            f"{other.similarity:.3f}",
            photo.outcome,
        )
    return table


def report_lines(report: EnrollmentReport) -> list[str]:
    """What became of a bulk enrolment, in sentences."""
    photos, persons = report.photos, report.persons
    told = f"{photos.enrolled} of {photos.total} photos enrolled"
    counted = {
        "were there already": photos.duplicate,
        "refused": photos.refused,
        "cancelled": photos.cancelled,
        "still wait": photos.waiting,
    }
    told += "".join(f", {number} {what}" for what, number in counted.items() if number)
    people = f"Persons: {persons.enrolled} of {persons.named} are known by these photos"
    if persons.made:
        people += f", {persons.made} new"
    if persons.without_face:
        people += f", {persons.without_face} without any face"
    lines = [f"{report.batch_id}: {told}.", f"{people}."]
    if report.reasons:
        counts = (f"{code} {number}" for code, number in sorted(report.reasons.items()))
        lines.append(f"Refused: {', '.join(counts)}.")
    if report.warnings:
        counts = (f"{word} {number}" for word, number in sorted(report.warnings.items()))
        lines.append(f"Enrolled all the same: {', '.join(counts)}.")
        again = f"facesocial people report {report.batch_id} --collection {report.collection_id}"
        lines.append(f"`{again} --csv FILE` tells which.")
    return lines


def _remedy(reasons: Collection[str], message: str) -> str:
    """What to do, in the words of this command."""
    if list(reasons) == ["multiple_faces"]:
        return "The photo shows several faces. Cut it to one, or add `--face largest`."
    return message


def _likeness(other: Mapping[str, Any] | None) -> str:
    """Whom else a face resembles."""
    return f" ({other['person_id']}, similarity {other['similarity']:.3f})" if other else ""
