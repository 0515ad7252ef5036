"""Reading the documents' pages, and what the sources they speak of call."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
#: A `code span`.
CODE = re.compile(r"`([^`\n]+)`")


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def rows_of(text: str) -> Iterator[list[str]]:
    """Cells of every table row, heads and rulers left out."""
    lines = text.splitlines()
    for number, line in enumerate(lines):
        is_head = number + 1 < len(lines) and lines[number + 1].startswith("| ---")
        if line.startswith("| ") and not line.startswith("| ---") and not is_head:
            yield [cell.strip() for cell in line.strip("|").split(" | ")]


def first_words(text: str) -> set[str]:
    """Code spans in the first column of all tables."""
    return {word for row in rows_of(text) for word in CODE.findall(row[0])}


def section(text: str, title: str) -> str:
    """What stands under a heading, up to the next one of its rank or above."""
    rank = title.split(" ", 1)[0]
    rest = text.split(f"{title}\n", 1)[1]
    return re.split(rf"^#{{1,{len(rank)}}} ", rest, maxsplit=1, flags=re.MULTILINE)[0]


def calls_of(package: str, name: str) -> Iterator[ast.Call]:
    """Every call of that name in a package."""
    for path in sorted((ROOT / package).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == name:
                yield node
