"""The documents hang together: links, commands, decisions, the failures' tests."""

import re
import tomllib
from pathlib import Path
from urllib.parse import unquote

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("[a-z]*/README.md")])
RECORDS = sorted(ROOT.glob("docs/adr/*.md"))
#: A link's target.
LINK = re.compile(r"\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(path: Path) -> None:
    broken = []
    for target in LINK.findall(FENCE.sub("", path.read_text(encoding="utf-8"))):
        file, _, anchor = unquote(target).partition("#")
        if re.match(r"[a-z]+:", file):
            continue
        place = (path.parent / file).resolve() if file else path
        if not place.exists() or (anchor and anchor not in _anchors(place)):
            broken.append(target)

    assert broken == []


def test_every_page_that_a_source_names_exists() -> None:
    sources = [
        path
        for package in ("api", "benchmarks", "cli", "client", "deploy", "models", "vram", "workers")
        for path in (ROOT / package).rglob("*")
        if path.suffix in {".lua", ".py", ".sh", ".toml", ".yaml"}
    ]
    named = {
        page
        for path in (*sources, ROOT / "Makefile", ROOT / "compose.yaml", *DOCUMENTS)
        for page in re.findall(r"\bdocs/[\w/-]+\.(?:md|svg|jpg|png)", text_of(str(path)))
    }

    assert len(named) > 10
    assert sorted(page for page in named if not (ROOT / page).is_file()) == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_make_command_that_is_named_exists(path: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", text_of("Makefile"), re.MULTILINE))
    text = path.read_text(encoding="utf-8")

    named = set(re.findall(r"(?:^|`)make ([a-z-]+)", text, re.MULTILINE))

    assert named <= targets


def test_the_readme_starts_with_the_two_commands_and_says_how_to_test() -> None:
    text = text_of("README.md")

    first = FENCE.findall(text)[0]

    assert re.findall(r"^make (\w+)", first, re.MULTILINE) == ["demo", "test"]
    assert "Run the tests: `make test`" in text


def test_the_pages_all_hang_on_the_index() -> None:
    index = ROOT / "docs" / "index.md"
    linked = {
        (index.parent / target).resolve()
        for target in LINK.findall(index.read_text(encoding="utf-8"))
    }

    assert {path for path in ROOT.glob("docs/**/*.md") if path != index} <= linked


def test_decisions_are_numbered_without_a_gap() -> None:
    numbers = [int(path.name[:4]) for path in RECORDS]

    assert numbers == list(range(1, len(RECORDS) + 1))


@pytest.mark.parametrize("path", RECORDS, ids=lambda path: path.stem)
def test_a_decision_has_its_five_parts(path: Path) -> None:
    text = path.read_text(encoding="utf-8")

    assert text.startswith(f"# {path.name[:4]}: ")
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == [
        "Status",
        "Context",
        "Decision",
        "Consequences",
        "Alternatives",
    ]
    assert "Good: " in text
    assert "Bad: " in text


def test_the_changelog_has_unreleased_on_top_and_this_version() -> None:
    with (ROOT / "pyproject.toml").open("rb") as file:
        version = tomllib.load(file)["project"]["version"]

    headings = re.findall(r"^## \[(.+?)\]", text_of("CHANGELOG.md"), re.MULTILINE)

    assert headings[0] == "Unreleased"
    assert version in headings


def test_contributing_is_short_enough_to_be_read() -> None:
    assert len(text_of("CONTRIBUTING.md").splitlines()) <= 200


def test_every_test_named_by_the_failures_page_exists() -> None:
    named = re.findall(r"`(tests/\S+?)::(\w+)`", text_of("docs/explanation/failures.md"))

    missing = [f"{path}::{name}" for path, name in named if not _has_test(ROOT / path, name)]

    assert len(named) > 30
    assert missing == []


def _has_test(path: Path, name: str) -> bool:
    return path.is_file() and f"def {name}(" in path.read_text(encoding="utf-8")


def _anchors(path: Path) -> set[str]:
    # Without what is shown as code: a shell's comment there is no heading.
    text = FENCE.sub("", path.read_text(encoding="utf-8"))
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
