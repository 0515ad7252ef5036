"""Every reason why an item is refused is in the reference, and the reverse."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from api.enrollments.roster import NOT_ADMITTED

#: Those of a photo, which the section names in its text, and those of addresses.
ELSEWHERE = {"url_refused", "url_unreachable", "unknown_upload", "upload_unfinished"}


def _codes(module: Path) -> Iterator[str]:
    """Codes of refusals in a module's source."""
    for call in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
            continue
        told = [word.value for word in call.keywords if word.arg == "code"]
        if call.func.id == "_refused":
            told = call.args[1:2]
        if call.func.id in {"Refused", "_refused"}:
            yield from (str(one.value) for one in told if isinstance(one, ast.Constant))


def test_every_code_of_a_refused_item_is_in_the_reference_and_the_reverse(root: Path) -> None:
    text = (root / "docs/reference/errors.md").read_text(encoding="utf-8")
    section = text.partition("## Items that were refused when they came")[2].partition("\n## ")[0]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    told = {code for row in rows for code in re.findall(r"`(\w+)`", row)}

    paths = [*(root / "api/batches").glob("*.py"), *(root / "api/enrollments").glob("*.py")]
    found = {code for path in paths for code in _codes(path)} | set(NOT_ADMITTED.values())

    assert len(found) > 5
    assert told == found | ELSEWHERE
