"""Small JSON files that tell the next start what this one left behind.

They are hints: each is checked against the living processes, so a lost or damaged one is no error.
"""

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

#: Whole files appear by this rename; a crash leaves the old one.
_PARTIAL = ".partial"


def read_run_file(path: Path) -> dict[str, Any]:
    """What was written last; empty when there is nothing readable."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def write_run_file(path: Path, values: dict[str, Any]) -> None:
    """Replace the file in one step, readable by its owner only.

    Without room for it the old one stays: a full disk must not end the fleet over a hint.
    """
    with suppress(OSError):
        write_private(path, json.dumps(values, indent=2) + "\n")


def write_private(path: Path, text: str) -> None:
    """Replace a file in one step; its mode is 0600 from the first byte on."""
    partial = path.with_name(path.name + _PARTIAL)
    partial.unlink(missing_ok=True)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    partial.replace(path)
