"""The benchmark of enrolments: what it sends, and what it would notice."""

import copy
import csv
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from benchmarks.enrollment_check import check_rows, check_store, check_sums
from benchmarks.enrollment_photos import People, write_people
from benchmarks.errors import BenchmarkFailed

FILES = 24


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("photos")
    for number in range(12):
        image = Image.new("RGB", (40, 30), (number * 20, 90, 90))
        image.save(made / f"Person_{number // 3}_{number % 3:04}.jpg")
    (made / "readme.txt").write_text("no photo")
    return made


@pytest.fixture
def people(folder: Path, tmp_path: Path) -> People:
    return write_people(tmp_path / "people.zip", folder, FILES)


def test_the_archive_has_photos_copies_and_every_trouble(
    people: People, tmp_path: Path, folder: Path
) -> None:
    with zipfile.ZipFile(tmp_path / "people.zip") as archive:
        names = [name for name in archive.namelist() if name != "manifest.csv"]
        listed = list(csv.DictReader(io.StringIO(archive.read("manifest.csv").decode())))
        original, copied = archive.read("photos/000000.jpg"), archive.read("photos/000012.jpg")
        [(first, second)] = people.twins
        assert archive.read(first) == archive.read(second)

    assert len(names) == FILES
    assert people.kinds == {"original": 12, "mirrored": 8}
    assert original == min(folder.glob("*.jpg")).read_bytes()
    assert copied != original
    assert sorted(people.refused.values()) == [
        "face_not_found",
        "file_missing",
        "invalid_image_format",
        "not_listed",
    ]
    told = {row["file"] for row in listed}
    assert told - set(names) == {f for f, c in people.refused.items() if c == "file_missing"}
    assert set(names) - told == {f for f, c in people.refused.items() if c == "not_listed"}
    assert len(set(people.persons.values())) == 4


def test_a_folder_with_too_few_photos_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(BenchmarkFailed, match="too few"):
        write_people(tmp_path / "people.zip", folder, 100)


def test_a_report_that_is_right_is_found_right(people: People) -> None:
    rows = right_rows(people)

    check_rows(rows, people)
    check_sums(report_of(rows, people), rows, people)
    check_store(export_of(rows), rows)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("photos/000001.jpg", {"outcome": "waiting"}),
        ("photos/000001.jpg", {"person_id": "Person_3"}),
        ("photos/000001.jpg", {"file": "photos/000002.jpg"}),
        ("photos/again-000000.jpg", {"outcome": "enrolled"}),
        ("photos/broken-000000.jpg", {"code": "face_not_found"}),
    ],
)
def test_a_wrong_line_is_noticed(people: People, name: str, change: dict[str, str]) -> None:
    rows = right_rows(people)
    next(row for row in rows if row["file"] == name).update(change)

    with pytest.raises(BenchmarkFailed):
        check_rows(rows, people)


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("complete", False),
        ("photos", {"total": 1, "enrolled": 1, "duplicate": 0, "refused": 0}),
        ("reasons", {}),
        ("refused", []),
        ("persons", {"made": 3}),
    ],
)
def test_a_wrong_sum_is_noticed(people: People, member: str, value: object) -> None:
    rows = right_rows(people)

    with pytest.raises(BenchmarkFailed):
        check_sums({**report_of(rows, people), member: value}, rows, people)


@pytest.mark.parametrize("fault", ["lost", "twice", "cut"])
def test_a_face_that_is_lost_or_there_twice_is_noticed(people: People, fault: str) -> None:
    rows = right_rows(people)
    lines = export_of(rows)
    lines = {"lost": lines[1:], "twice": [lines[0], *lines], "cut": lines[:-1]}[fault]

    with pytest.raises(BenchmarkFailed):
        check_store(lines, rows)


def right_rows(people: People) -> list[dict[str, str]]:
    files = [*people.persons, *people.refused]
    twins = {second for _, second in people.twins}
    rows = []
    for number, name in enumerate(files, start=1):
        code = people.refused.get(name, "")
        outcome = "refused" if code else "duplicate" if name in twins else "enrolled"
        face = f"face_{number}" if outcome == "enrolled" else ""
        person = people.persons.get(name, "")
        rows.append(
            {
                "number": str(number),
                "file": name,
                "person_id": person,
                "outcome": outcome,
                "code": code,
                "face_id": face,
            }
        )
    return copy.deepcopy(rows)


def report_of(rows: list[dict[str, str]], people: People) -> dict[str, Any]:
    refused = [row for row in rows if row["outcome"] == "refused"]
    outcomes = [row["outcome"] for row in rows]
    return {
        "complete": True,
        "photos": {
            "total": len(rows),
            **{name: outcomes.count(name) for name in ("enrolled", "duplicate", "refused")},
        },
        "reasons": {row["code"]: 1 for row in refused},
        "refused": [{"number": int(row["number"])} for row in refused],
        "persons": {"made": len(set(people.persons.values()))},
    }


def export_of(rows: list[dict[str, str]]) -> list[str]:
    faces = [
        {"kind": "face", "id": row["face_id"], "person_id": row["person_id"]}
        for row in rows
        if row["face_id"]
    ]
    return [json.dumps(one) for one in (*faces, {"kind": "end"})]
