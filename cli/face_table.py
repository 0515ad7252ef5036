"""One face of an answer as cells of a table, narrow enough for 80 columns."""

from collections.abc import Mapping
from typing import Any

#: What the cells are; a table names the photo before them.
FACE_HEADINGS = ("x,y wxh", "looks (age)", "live?", "authentic?")


def face_cells(face: Mapping[str, Any]) -> tuple[str, ...]:
    """One face in words; "-" for what was not analysed. Scores and quality are in the JSON."""
    box = face["bbox"]
    live, fake = face.get("anti_spoofing"), face.get("deepfake")
    return (
        f"{box['x']:.0f},{box['y']:.0f} {box['width']:.0f}x{box['height']:.0f}",
        _looks(face.get("demographics")),
        live["outcome"] if live else "-",
        (fake["verdict"] or "-") if fake else "-",
    )


def _looks(demographics: Mapping[str, Any] | None) -> str:
    if demographics is None:
        return "-"
    age, gender = demographics["age"], demographics["gender"]
    doubt = "?" if gender["uncertain"] else ""
    span = f" ({age['range'][0]}-{age['range'][1]})" if age["range"] else ""
    return f"{gender['value']}{doubt}, {age['value']:.0f}{span}"
