"""Each package has a map: a README that names every module once, under what it is about."""

from collections import Counter

import pytest

from tests.architecture.pages import CODE, ROOT, rows_of, text_of

PACKAGES = ("api", "workers", "vram", "models", "client", "cli")


@pytest.mark.parametrize("package", PACKAGES)
def test_the_map_of_a_package_names_every_module_once(package: str) -> None:
    folder = ROOT / package
    modules = {path.stem for path in folder.glob("*.py")} - {"__init__"}
    packages = {f"{path.parent.name}/" for path in folder.glob("*/__init__.py")}

    named = Counter(
        name
        for _, where in rows_of(text_of(f"{package}/README.md"))
        for name in CODE.findall(where)
    )

    assert named == Counter(modules | packages)
