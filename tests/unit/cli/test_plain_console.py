"""What strangers have written is printed letter for letter, and orders a terminal nothing."""

import io

import pytest
from rich.table import Table

from cli.plain_console import PlainConsole


def printed(what: str | Table) -> str:
    file = io.StringIO()
    PlainConsole(file=file, width=120, force_terminal=True, color_system=None).print(what)
    return file.getvalue()


@pytest.mark.parametrize("name", ["IMG [old].jpg", "[/] closes nothing", "a :smile: of b", "[red]"])
def test_brackets_and_colons_are_letters(name: str) -> None:
    assert printed(name) == f"{name}\n"


@pytest.mark.parametrize("order", ["\x1b[2J", "\x1b]0;title\x07", "\x9b31m", "\r", "\x08", "\x7f"])
def test_what_a_terminal_would_obey_is_not_sent_to_it(order: str) -> None:
    assert not set("\x1b\x9b\x07\r\x08\x7f") & set(printed(f"before{order}after"))


def test_lines_and_tabs_stay() -> None:
    assert printed("one\ntwo") == "one\ntwo\n"


def test_cells_of_tables_are_printed_so_too() -> None:
    table = Table("name")
    table.add_row("Ada [/]\x1b[2J [work]")

    text = printed(table)

    assert "Ada [/]\N{REPLACEMENT CHARACTER}[2J [work]" in text
    assert "\x1b" not in text
