"""Known people of a gateway as tables and lines."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.table import Table

from cli.outcomes import Outcome
from cli.record_tables import plain_table
from client import Collection, Deletion, Face, Person

_DAY_SECONDS = 86_400


def collections_table(collections: Sequence[Collection]) -> Table:
    """Collections, a row each."""
    table = plain_table("collection", "title", "persons", "faces", "model", "thresholds", "changed")
    for one in collections:
        table.add_row(
            one.id,
            one.title,
            str(one.persons),
            str(one.faces),
            one.contract.model if one.contract else one.model or "default",
            one.thresholds.source,
            _time(one.updated_at),
        )
    return table


def settings_table(collection: Collection) -> Table:
    """What an owner decides on a collection."""
    thresholds = collection.thresholds
    table = plain_table("setting", "value")
    rows: Mapping[str, object] = {
        "title": collection.title or "-",
        "model": collection.model or "default",
        "quality": collection.quality,
        "thresholds": thresholds.source,
        "similarity": "-" if thresholds.similarity is None else thresholds.similarity,
        "far": f"{thresholds.far:g} (verification)",
        "fpir": f"{thresholds.fpir:g} (identification)",
        "margin": thresholds.margin,
        "keep images": _yes(truth=collection.keep_images),
        "consent required": _yes(truth=collection.consent_required),
        "liveness required": _yes(truth=collection.liveness_required),
        "retention": _days(collection.retention_seconds),
        "persons at most": collection.limits.persons,
        "faces of a person at most": collection.limits.faces_per_person,
    }
    for name, value in rows.items():
        table.add_row(name, str(value))
    return table


def collection_lines(collection: Collection) -> list[str]:
    """How a collection stands, in sentences."""
    contract, calibration = collection.contract, collection.calibration
    persons, faces = counted(collection.persons, "person"), counted(collection.faces, "face")
    lines = [f"{collection.id}: {persons}, {faces}."]
    if contract:
        lines.append(f"Embeddings: {contract.model}, {contract.dimensions} dimensions.")
    if calibration:
        sample = counted(calibration.persons, "person")
        lines.append(
            f"Calibrated {_time(calibration.measured_at)} on {sample}: "
            f"{calibration.genuine_pairs} pairs of one person, "
            f"{calibration.impostor_pairs} of two."
        )
    if change := collection.reembedding:
        lines.append(
            f"Changing to {change.model or 'the default model'}: "
            f"{change.done} of {faces}, job {change.job_id}."
        )
    return lines


def persons_table(persons: Sequence[Person]) -> Table:
    """Persons, a row each."""
    table = plain_table("person", "name", "external id", "faces", "consent", "enrolled")
    for one in persons:
        table.add_row(
            one.id,
            one.name,
            one.external_id,
            str(one.faces),
            one.consent.purpose if one.consent else "-",
            _time(one.enrolled_at) if one.enrolled_at else "never",
        )
    return table


def faces_table(faces: Sequence[Face]) -> Table:
    """A person's faces, a row each."""
    table = plain_table("face", "quality", "photo", "added", "by", "photo kept")
    for face in faces:
        table.add_row(
            face.id,
            "-" if face.quality is None else f"{face.quality:.2f}",
            face.source_sha256[:12] or "-",
            _time(face.added_at),
            face.origin,
            _yes(truth=face.has_image),
        )
    return table


def identified_table(outcomes: Sequence[Outcome]) -> Table:
    """The faces of photos and who they are, a row each."""
    table = plain_table("photo", "x,y wxh", "who", "similarity", "margin", "why")
    for outcome in outcomes:
        name = Path(outcome["file"]).name
        if "error" in outcome:
            table.add_row(name, "", outcome["error"]["message"])
            continue
        faces = outcome["result"]["faces"]
        if not faces:
            table.add_row(name, "", "no face")
        for face in faces:
            table.add_row(name, *_identity_cells(face))
    return table


def identified_line(result: Mapping[str, Any]) -> str:
    """By which rule the faces of a photo were named."""
    how = result["identification"]
    if how["threshold"] is None:
        return f"Nothing was compared: '{how['collection']}' has {counted(how['faces'], 'face')}."
    told = (
        f"Named at a similarity of {how['threshold']:.3f} or more ({how['source']}), among "
        f"{counted(how['persons'], 'person')} with {counted(how['faces'], 'face')}"
    )
    if how["fpir_expected"] is not None:
        told += f"; at most {how['fpir_expected']:.2%} of strangers are named"
    if how["threshold_extrapolated"]:
        told += "; the threshold is extrapolated beyond what was measured"
    elif how["fpir"] is not None and not how["fpir_supported"]:
        told += f", but {how['fpir']:.2%} was asked for and nothing stricter was measured"
    return told + "."


def verified_lines(result: Mapping[str, Any]) -> list[str]:
    """Whether a photo shows a person, and by which rule that was said, in sentences."""
    person = result["person"]
    word = "This is" if result["is_match"] else "This does not match"
    line = f"{word} {_whom(person)}: similarity {_similarity(result['similarity'])}"
    line += f" (cosine), threshold {result['threshold']:.3f} ({result['source']})"
    if result["far"] is not None:
        line += f", at FAR {result['far']:g}"
    if result["reasons"]:
        line += f"; {', '.join(result['reasons'])}"
    return [f"{line}.", f"{result['model']}; thresholds from {result['origin'] or 'the owner'}"]


def deletion_lines(deletion: Deletion) -> list[str]:
    """The certificate of a deletion."""
    whom = "everybody" if deletion.person_id is None else deletion.person_id
    until = deletion.results_named_until
    named = [] if until is None else [f"  old results name them until {_time(until)}"]
    return [
        f"{deletion.id}: {whom} of {deletion.collection_id}, {counted(deletion.faces, 'face')}",
        f"  not found any more         since {_time(deletion.deleted_at)}",
        f"  backups can't be read      {_since(deletion.keys_destroyed_at)}",
        f"  gone from workers' memory  {_since(deletion.workers_cleared_at)}",
        f"  results have the id until  {_time(deletion.results_expire_at)}",
        *named,
    ]


def deletions_table(deletions: Sequence[Deletion]) -> Table:
    """Certificates, a row each."""
    table = plain_table("deletion", "collection", "person", "faces", "deleted", "keys", "memory")
    for one in deletions:
        table.add_row(
            one.id,
            one.collection_id,
            one.person_id or "everybody",
            str(one.faces),
            _time(one.deleted_at),
            "destroyed" if one.keys_destroyed_at else "not yet",
            "cleared" if one.workers_cleared_at else "not yet",
        )
    return table


def counted(number: int, what: str) -> str:
    """A number with its noun."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _identity_cells(face: Mapping[str, Any]) -> tuple[str, ...]:
    box, identity = face["bbox"], face.get("identity")
    where = f"{box['x']:.0f},{box['y']:.0f} {box['width']:.0f}x{box['height']:.0f}"
    if identity is None:
        return where, "not looked for"
    person = identity["person"]
    return (
        where,
        _whom(person) if person else identity["decision"],
        _similarity(identity["similarity"]),
        _similarity(identity["margin"]),
        ", ".join(identity["reasons"]),
    )


def _whom(person: Mapping[str, Any]) -> str:
    """A person by name; by id where there is no name, with why it can't be read."""
    why = person.get("unreadable")
    told: str = person["name"] or person["id"]
    return f"{told} ({why.replace('_', ' ')})" if why else told


def _similarity(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _since(moment: datetime | None) -> str:
    return "not yet" if moment is None else f"since {_time(moment)}"


def _time(moment: datetime) -> str:
    return moment.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def _yes(*, truth: bool) -> str:
    return "yes" if truth else "no"


def _days(seconds: int | None) -> str:
    return "for ever" if seconds is None else f"{seconds / _DAY_SECONDS:g} days"
