"""The list that says whom photos show, whoever wrote it with whatever program."""

import pytest

from api.enrollments.manifest_csv import (
    LONGEST_FIELD,
    MOST_BYTES,
    MOST_COLUMNS,
    Manifest,
    read_manifest,
)
from api.errors import ApiError
from workers.identities.records import Consent, NewPerson

HEAD = "file,person_id,name"


def read(*lines: str, end: str = "\n", most_rows: int = 100) -> Manifest:
    return read_manifest(end.join(lines).encode(), most_rows=most_rows)


def problem(manifest: Manifest, file: str) -> str:
    return manifest.rows[file].problem


def test_a_line_says_whom_a_photo_shows() -> None:
    manifest = read(
        "file,person_id,name,external_id,metadata.team,consent.given_at,consent.purpose",
        "anna/1.jpg,anna,Anna Ö,crm-7,red,2026-01-02,entrance",
    )

    assert manifest.rows["anna/1.jpg"].person_id == "anna"
    assert manifest.rows["anna/1.jpg"].line == 2
    assert not manifest.lost
    assert manifest.people["anna"] == NewPerson(
        id="anna",
        name="Anna Ö",
        external_id="crm-7",
        metadata={"team": "red"},
        consent=Consent(given_ms=1_767_312_000_000, purpose="entrance"),
    )


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_spreadsheets_of_all_countries_are_read(delimiter: str, end: str, mark: str) -> None:
    lines = [HEAD, "1.jpg,anna,Anna", "", ",,", "2.jpg,ben,"]
    text = mark + end.join(lines).replace(",", delimiter)

    manifest = read_manifest(text.encode(), most_rows=100)

    assert {name: row.person_id for name, row in manifest.rows.items()} == {
        "1.jpg": "anna",
        "2.jpg": "ben",
    }
    assert manifest.people["anna"].name == "Anna"


def test_fields_in_quotes_hold_commas_and_lines_are_counted_through_them() -> None:
    manifest = read(HEAD, '1.jpg,anna,"Anna, ""the\nfirst"""', "2.jpg,b b,")

    assert "printed" in manifest.lost[0].problem
    assert manifest.lost[0].line == 2
    assert manifest.rows["2.jpg"].line == 4


def test_lines_of_one_person_complete_each_other() -> None:
    manifest = read("file,person_id,name,external_id", "1,anna,Anna,", "2,anna,,7", "3,anna,Anna,7")

    assert manifest.people["anna"] == NewPerson(id="anna", name="Anna", external_id="7")
    assert [row.person_id for row in manifest.rows.values()] == ["anna"] * 3


@pytest.mark.parametrize(
    ("column", "first", "second"),
    [
        ("name", "Anna", "Hannah"),
        ("external_id", "7", "8"),
        ("metadata.team", "red", "blue"),
        ("consent.given_at", "2026-01-02T00:00:00Z", "2026-01-03T00:00:00Z"),
    ],
)
def test_lines_that_contradict_each_other_cost_the_later_photo(
    column: str, first: str, second: str
) -> None:
    manifest = read(
        f"file,person_id,consent.purpose,{column}",
        f"1,anna,{'door' if 'consent' in column else ''},{first}",
        f"2,anna,{'door' if 'consent' in column else ''},{second}",
    )

    assert manifest.rows["1"].person_id == "anna"
    assert manifest.rows["2"].person_id == ""
    assert "earlier line" in problem(manifest, "2")
    assert second not in problem(manifest, "2")


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("1.jpg,,Anna", "It has no person_id."),
        ("1.jpg,../x,Anna", "person_id: "),
        ("1.jpg,anna," + "x" * 201, "name: "),
        ("1.jpg,a b,Secret Name", "person_id: "),
    ],
)
def test_a_line_that_is_wrong_costs_its_photo_only_and_tells_no_values(
    line: str, told: str
) -> None:
    manifest = read(HEAD, line, "2.jpg,ben,Ben")

    assert manifest.rows["1.jpg"].person_id == ""
    assert problem(manifest, "1.jpg").startswith(told)
    assert "Secret" not in problem(manifest, "1.jpg")
    assert manifest.rows["2.jpg"].person_id == "ben"
    assert set(manifest.people) == {"ben"}


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (",anna,Anna", "It has no file."),
        ("1.jpg,carl,Carl", "Line 2 names the same file."),
        ("../1.jpg,carl,", "leaves no folder"),
        ("/etc/passwd,carl,", "no absolute path"),
        ("C:\\1.jpg,carl,", "no absolute path"),
        ("3.jpg,carl,C,D", "It has 4 fields, and there are 3 columns."),
        ("3.jpg,carl,a\x00b", "can't be printed"),
        ("3.jpg,carl," + "x" * (LONGEST_FIELD + 1), "more than"),
    ],
)
def test_a_line_whose_photo_can_t_be_known_is_told_apart(line: str, told: str) -> None:
    manifest = read(HEAD, "1.jpg,ben,Ben", line)

    assert [row.line for row in manifest.lost] == [3]
    assert told in manifest.lost[0].problem
    assert list(manifest.rows) == ["1.jpg"]


def test_formulas_are_names_like_any_other() -> None:
    manifest = read(HEAD, '1.jpg,anna,"=HYPERLINK(""http://x"")"')

    assert manifest.people["anna"].name == '=HYPERLINK("http://x")'


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "names no column 'file'"),
        (b"file,name\n", "names no column 'person_id'"),
        (b"file,person_id,file\n", "column 3 has the name of an earlier one"),
        (b"file,person_id,names\n", "column 3 is none of"),
        (b"file,person_id,metadata.\n", "column 3 is none of"),
        (b"file,person_id,consent.sold_to\n", "column 3 is none of"),
        (b"file,person_id,metadata.a\x07\n", "column 3 is none of"),
        (
            b"file,person_id," + b",".join(b"metadata.%d" % n for n in range(MOST_COLUMNS)),
            "more than 64 columns",
        ),
        ("\ufefffile,person_id\n".encode("utf-16-le"), "UTF-16"),
        (b"file,person_id\n1,a\n2,b\xe4r\n", "line 3 is no UTF-8"),
        (b'file,person_id\n1,"a\n2,b\n', "line 2 can't be read"),
        (b'file,person_id\n1,"a"b\n', "line 2 can't be read"),
        (b"file,person_id\n1," + b"x" * 200_000, "line 2 can't be read"),
        (b" " * (MOST_BYTES + 1), "larger than"),
    ],
)
def test_what_is_no_such_list_is_refused_as_a_whole(content: bytes, told: str) -> None:
    with pytest.raises(ApiError, match=r"^manifest\.csv can't be taken") as raised:
        read_manifest(content, most_rows=100)

    assert raised.value.code == "invalid_manifest"
    assert told in str(raised.value)


def test_a_list_has_no_more_lines_than_a_batch_has_items() -> None:
    with pytest.raises(ApiError) as raised:
        read(HEAD, "1,a,", "2,b,", "3,c,", most_rows=2)

    assert raised.value.code == "batch_too_large"
