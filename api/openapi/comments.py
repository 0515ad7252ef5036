"""What the source says above each field: `#:` lines, the project's way of explaining them."""

import ast
import inspect
import sys
from collections.abc import Mapping
from functools import cache

from pydantic import BaseModel

_MARK = "#:"


def field_comments(model: type[BaseModel]) -> Mapping[str, str]:
    """The `#:` comment above each field of a model, those of its bases included.

    Empty where there is no source to read.
    """
    found: dict[str, str] = {}
    for base in reversed(model.__mro__):
        if issubclass(base, BaseModel) and base is not BaseModel:
            found |= _comments_in(base.__module__).get(base.__name__, {})
    return found


@cache
def _comments_in(module: str) -> Mapping[str, Mapping[str, str]]:
    """Of every class at a module's top level: its fields' comments."""
    try:
        source = inspect.getsource(sys.modules[module])
    except (KeyError, OSError, TypeError):
        return {}
    lines = source.splitlines()
    return {
        node.name: _comments_of(node, lines)
        for node in ast.parse(source).body
        if isinstance(node, ast.ClassDef)
    }


def _comments_of(definition: ast.ClassDef, lines: list[str]) -> Mapping[str, str]:
    return {
        statement.target.id: comment
        for statement in definition.body
        if isinstance(statement, ast.AnnAssign)
        and isinstance(statement.target, ast.Name)
        and (comment := _above(lines, statement.lineno - 1))
    }


def _above(lines: list[str], index: int) -> str:
    """The comment that ends right above a line."""
    found: list[str] = []
    while index and lines[index - 1].lstrip().startswith(_MARK):
        index -= 1
        found.insert(0, lines[index].lstrip().removeprefix(_MARK).strip())
    return " ".join(found)
