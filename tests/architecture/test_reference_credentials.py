"""What the page on roles, rights and credentials says is what the code does."""

import re

from api.accounts.tokens import AUDIENCE, ISSUER, TYPE
from api.principal import SCOPES_OF_ROLE, Scope
from tests.architecture.pages import CODE, ROOT, first_words, rows_of, section, text_of

PAGE = text_of("docs/reference/permissions.md")
#: How the code names an act: `audit("…"`, `audit_entry("…"`, the command's `note("…"`, and acts
#: that are handed to one of them.
ACT = re.compile(
    r"\b(?:audit|audit_entry|store\.note|proving)\((?:user, |self, )?"
    r"(?P<first>f?\"[a-z_.{}]+\")(?: if [\w.]+ else (?P<second>\"[a-z_.]+\"))?"
)


def test_every_right_is_explained_and_the_reverse() -> None:
    assert first_words(section(PAGE, "## Rights").split("| role |")[0]) == set(Scope)


def test_every_role_has_the_rights_that_the_page_says() -> None:
    rows = rows_of("| role |" + section(PAGE, "## Rights").split("| role |")[1])

    assert {row[0].strip("`"): frozenset(CODE.findall(row[1])) for row in rows} == SCOPES_OF_ROLE


def test_every_act_of_the_audit_log_is_listed_and_the_reverse() -> None:
    found: set[str] = set()
    for folder in ("api", "cli"):
        for path in (ROOT / folder).rglob("*.py"):
            for match in ACT.finditer(path.read_text(encoding="utf-8")):
                found |= {name for name in match.groups() if name}
    # The outcome of a mail's token names the act.
    assert 'f"user.{outcome}"' in found
    found = found - {'f"user.{outcome}"'} | {'"user.created"', '"user.verified"'}

    assert {name.strip('"') for name in found} == first_words(section(PAGE, "## The audit log"))


def test_the_names_in_a_token_are_those_of_the_page() -> None:
    for name in (ISSUER, AUDIENCE, TYPE):
        assert f"`{name}`" in section(PAGE, "## Access tokens")
