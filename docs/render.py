"""`python -m docs.render`: write the parts of the documentation that come from the code.

A part lies between `<!-- rendered: name -->` and `<!-- /rendered -->`; a test compares each with
what this module would write.
"""
# ruff: noqa: INP001 - documents are no package; the folder holds this one script.

import re
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from docs.render_models import model_sections, models_table, names_table, samples_table
from workers.settings.process import PREFIX, Settings

ROOT = Path(__file__).resolve().parent.parent
#: Where each rendered part is.
PAGES = {
    "settings": Path("docs/reference/settings.md"),
    "contracts": Path("README.md"),
    "models": Path("docs/reference/models.md"),
    "model sections": Path("docs/reference/models.md"),
    "names": Path("docs/reference/models.md"),
    "samples": Path("docs/reference/models.md"),
}


def settings_table() -> str:
    """Every setting with its variable, default, allowed values and meaning."""
    rows = ["| variable | default | allowed | what |", "| --- | --- | --- | --- |"]
    properties = Settings.model_json_schema()["properties"]
    for name, field in Settings.model_fields.items():
        cells = (
            f"`{PREFIX}{name.upper()}`",
            _default(field),
            _allowed(properties[name]),
            str(field.description),
        )
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(rows)


def contract_list() -> str:
    """The names of the import contracts, as sentences."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        contracts = tomllib.load(file)["tool"]["importlinter"]["contracts"]
    return "\n".join(
        f"{number}. {contract['name']}." for number, contract in enumerate(contracts, 1)
    )


RENDERERS: dict[str, Callable[[], str]] = {
    "settings": settings_table,
    "contracts": contract_list,
    "models": models_table,
    "model sections": model_sections,
    "names": names_table,
    "samples": samples_table,
}


def rendered(name: str) -> str:
    """A page as it should be, its part written anew.

    Raises:
        ValueError: the page has no place for the part.
    """
    text = (ROOT / PAGES[name]).read_text(encoding="utf-8")
    place = re.compile(rf"(<!-- rendered: {name} -->\n).*?(<!-- /rendered -->)", re.DOTALL)
    new, count = place.subn(lambda found: f"{found[1]}{RENDERERS[name]()}\n{found[2]}", text)
    if count != 1:
        raise ValueError(f"{PAGES[name]} has {count} places for '{name}'; it must have one.")
    return new


def main() -> None:
    """Write all parts."""
    for name, page in PAGES.items():
        (ROOT / page).write_text(rendered(name), encoding="utf-8")
        sys.stdout.write(f"{page}: {name}\n")


def _default(field: FieldInfo) -> str:
    if field.default_factory is not None:
        # Differs by system and user.
        return "the user's data folder"
    value = field.default
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if value is None or value in ((), {}):
        return "none"
    if isinstance(value, tuple):
        value = ",".join(map(str, value))
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _allowed(schema: dict[str, Any]) -> str:
    # Of "this, or nothing" the first.
    schema = schema.get("anyOf", [schema])[0]
    schema = schema.get("items", schema)
    if choices := schema.get("enum"):
        return ", ".join(f"`{choice}`" for choice in choices)
    if pattern := schema.get("pattern"):
        return f"`{pattern}`"
    bounds = {
        "exclusiveMinimum": "above {}",
        "minimum": "from {}",
        "maximum": "to {}",
    }
    told = [text.format(schema[key]) for key, text in bounds.items() if key in schema]
    if told:
        return " ".join(told)
    return "`true`, `false`" if schema.get("type") == "boolean" else "any"


if __name__ == "__main__":
    main()
