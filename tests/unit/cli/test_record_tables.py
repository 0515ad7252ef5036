"""Tables of records, on terminals of any width."""

import io

import pytest
from rich.console import Console
from rich.table import Table

from cli.record_tables import plain_table, print_table

ID = "batch_0123456789abcdef"


@pytest.fixture
def table() -> Table:
    table = plain_table("batch", "state", "created", "error")
    table.add_row(ID, "succeeded", "11-23 17:54:06", "")
    return table


def _printed(table: Table, columns: int) -> list[str]:
    file = io.StringIO()
    print_table(table, Console(file=file, width=columns, markup=False))
    return [line.rstrip() for line in file.getvalue().splitlines()]


def test_a_row_is_a_line_where_there_is_room(table: Table) -> None:
    assert f" {ID}   succeeded   11-23 17:54:06" in _printed(table, 80)


def test_a_row_is_a_paragraph_where_its_words_do_not_fit(table: Table) -> None:
    assert _printed(table, 40) == [
        f"batch: {ID}",
        "  state: succeeded",
        "  created: 11-23 17:54:06",
    ]
