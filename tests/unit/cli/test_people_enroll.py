"""`facesocial people enroll`: one person's photos, and a folder of many people."""

import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from typer.testing import Result

from cli.errors import CliError
from client.person_flows import MOST_PHOTOS
from client.testing import MADE, ScriptedGateway

Command = Callable[..., Result]

GOOD = {
    "reasons": [],
    "warnings": [],
    "message": "",
    "outcome": "added",
    "filename": "",
    "index": 0,
}
BAD = {
    **GOOD,
    "outcome": "refused",
    "reasons": ["face_too_small"],
    "message": "Send a larger one.",
    "filename": "2.jpg",
    "similar_to": {"person_id": "bo", "similarity": 0.4321},
}


def _job(*photos: object, refused: int = 0) -> httpx.Response:
    result = {
        "person": {"id": "ada", "name": "Ada"},
        "person_faces": 4,
        "refused": refused,
        "photos": photos,
    }
    body = {"id": "job_1", "state": "succeeded", "created_at": MADE, "result": result}
    return httpx.Response(200, json=body)


def _folder(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"jpeg")
    return folder


def test_photos_of_one_person_are_sent_with_the_description(
    command: Command, scripted: ScriptedGateway, tmp_path: Path
) -> None:
    _folder(tmp_path, "ada/1.jpg", "ada/2.jpg")
    scripted.answers = [_job(GOOD, BAD, refused=1)]
    described = ("--name", "Ada", "--metadata", "floor=3=a", "--consent", "door")

    done = command("people", "enroll", str(tmp_path / "ada"), "--person", "ada", *described)

    [request] = scripted.requests
    assert request.url.path == "/api/v1/collections/default/persons/ada/faces"
    assert request.content.count(b'name="images"') == 2
    assert b'{"floor": "3=a"}' in request.content
    assert b'name="create_person"\r\n\r\ntrue' in request.content
    assert b'"purpose": "door", "given_at": "20' in request.content
    assert "2.jpg" in done.stdout
    assert "face_too_small" in done.stdout
    assert "(bo, similarity 0.432)" in done.stdout
    assert "ada: 1 of 2 photos are good; known by 4 faces now.\n" in done.stdout
    assert isinstance(done.exception, CliError)


def test_more_photos_than_a_request_takes_are_sent_in_parts(
    command: Command, scripted: ScriptedGateway, tmp_path: Path
) -> None:
    _folder(tmp_path / "ada", *(f"{place}.jpg" for place in range(MOST_PHOTOS + 1)))
    scripted.answers = [_job(GOOD), _job(GOOD)]

    done = command("people", "enroll", str(tmp_path / "ada"), "--person", "ada", "--json")

    assert [one.content.count(b'name="images"') for one in scripted.requests] == [MOST_PHOTOS, 1]
    assert len(json.loads(done.stdout)) == 2
    assert done.exit_code == 0


def _refusal(field: str) -> httpx.Response:
    body = {"code": "invalid_image_format", "detail": "No image.", "field": field}
    return httpx.Response(415, json=body)


def test_a_file_the_gateway_does_not_take_is_told_and_the_others_are_enrolled(
    command: Command, scripted: ScriptedGateway, tmp_path: Path
) -> None:
    _folder(tmp_path / "ada", "1.jpg", "2.jpg", "3.jpg")
    scripted.answers = [_refusal("images.1"), _job(GOOD, GOOD)]

    done = command("people", "enroll", str(tmp_path / "ada"), "--person", "ada")

    assert [one.content.count(b'name="images"') for one in scripted.requests] == [3, 2]
    assert b'filename="2.jpg"' not in scripted.requests[1].content
    assert "ada: 2 of 3 photos are good; known by 4 faces now." in done.stdout
    assert all(word in done.stdout for word in ("2.jpg", "invalid_image_format", "No image."))
    assert str(done.exception) == "1 of 3 photos were not enrolled."


def test_where_no_file_is_a_photo_that_is_told_of_each(
    command: Command, scripted: ScriptedGateway, tmp_path: Path
) -> None:
    _folder(tmp_path / "ada", "1.jpg", "2.jpg")
    scripted.answers = [_refusal("images.0"), _refusal("images.0")]

    done = command("people", "enroll", str(tmp_path / "ada"), "--person", "ada", "--json")

    [result] = json.loads(done.stdout)
    assert [photo["filename"] for photo in result["photos"]] == ["1.jpg", "2.jpg"]
    assert result["refused"] == 2


def test_what_is_wrong_with_all_of_a_request_ends_the_command(
    command: Command, scripted: ScriptedGateway, tmp_path: Path
) -> None:
    _folder(tmp_path / "ada", "1.jpg", "2.jpg")
    scripted.answers = [_refusal("name")]

    done = command("people", "enroll", str(tmp_path / "ada"), "--person", "ada")

    assert str(done.exception) == "No image."
    assert len(scripted.requests) == 1


def _batch(state: str) -> httpx.Response:
    counts = dict.fromkeys(("pending", "running", "cancelled"), 0)
    body = {
        "id": "batch_1",
        "state": state,
        "created_at": MADE,
        "counts": {"total": 3, "succeeded": 2, "failed": 1, **counts},
    }
    return httpx.Response(200, json=body)


def _report(refused: int) -> httpx.Response:
    photo = {
        "number": 3,
        "file": "bo/1.jpg",
        "person_id": "bo",
        "code": "identity_similarity_conflict",
        "message": "It looks like somebody else.",
        "retryable": False,
        "similar_to": {"person_id": "ada", "similarity": 0.62},
    }
    body = {
        "batch_id": "batch_1",
        "collection_id": "album",
        "state": "partial",
        "complete": True,
        "photos": {
            "total": 3,
            "enrolled": 3 - refused,
            "duplicate": 0,
            "refused": refused,
            "waiting": 0,
            "cancelled": 0,
        },
        "persons": {"named": 2, "made": 2, "enrolled": 1, "without_face": 1},
        "reasons": {"identity_similarity_conflict": 1} if refused else {},
        "warnings": {"blurred": 1},
        "refused": [photo] if refused else [],
        "conflicts": [{**photo, "outcome": "refused", "face_id": None}] if refused else [],
    }
    return httpx.Response(200, json=body)


def test_a_folder_of_folders_is_enrolled_as_a_batch_with_a_report(
    command: Command, scripted: ScriptedGateway, tmp_path: Path
) -> None:
    _folder(tmp_path, "ada/1.jpg", "ada/2.jpg", "bo/1.jpg")
    scripted.answers = [_batch("partial"), _report(1)]

    done = command("people", "enroll", str(tmp_path), "--collection", "album", "--require", "live")

    sent, asked = scripted.requests
    assert sent.url.path == "/api/v1/collections/album/enrollments"
    assert sent.url.params["require"] == "live"
    with tarfile.open(fileobj=io.BytesIO(sent.content)) as archive:
        assert archive.getnames() == ["ada/1.jpg", "ada/2.jpg", "bo/1.jpg"]
    assert asked.url.path == "/api/v1/collections/album/enrollments/batch_1"
    assert b'name="create_person"' not in sent.content
    for told in (
        "2 of 3 photos enrolled, 1 refused.",
        "Persons: 1 of 2 are known by these photos, 2 new, 1 without any face.",
        "Refused: identity_similarity_conflict 1.",
        "Enrolled all the same: blurred 1.",
        "`facesocial people report batch_1 --collection album --csv FILE` tells which.",
        "(ada, similarity 0.620)",
        "0.620        refused",
    ):
        assert told in done.stdout
    assert isinstance(done.exception, CliError)


def test_a_bulk_enrolment_without_a_refusal_ends_well(
    command: Command, scripted: ScriptedGateway, tmp_path: Path
) -> None:
    _folder(tmp_path, "ada/1.jpg")
    scripted.answers = [_batch("succeeded"), _report(0)]

    done = command("people", "enroll", str(tmp_path), "--json")

    assert done.exit_code == 0
    assert json.loads(done.stdout)["photos"]["enrolled"] == 3


def test_a_report_is_told_again_and_written_as_a_table(
    command: Command, scripted: ScriptedGateway, tmp_path: Path
) -> None:
    target = tmp_path / "report.csv"
    scripted.answers = [_report(0), httpx.Response(200, content=b"number,file\n")]

    done = command("people", "report", "batch_1", "--collection", "album", "--csv", str(target))

    assert done.exit_code == 0
    assert "batch_1: 3 of 3 photos enrolled." in done.stdout
    assert target.read_bytes() == b"number,file\n"
    assert dict(scripted.requests[1].url.params) == {"format": "csv"}


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--person", "ada", "--metadata", "floor"], "KEY=VALUE"),
        (["--name", "Ada"], "--name is of one person"),
        (["--consent", "door"], "--consent is of one person"),
    ],
)
def test_what_can_t_be_meant_is_refused_before_anything_is_sent(
    command: Command,
    scripted: ScriptedGateway,
    tmp_path: Path,
    arguments: list[str],
    why: str,
) -> None:
    _folder(tmp_path, "ada/1.jpg")

    done = command("people", "enroll", str(tmp_path), *arguments)

    assert isinstance(done.exception, CliError)
    assert why in str(done.exception)
    assert scripted.requests == []


def test_photos_without_a_person_and_folders_without_a_photo_are_refused(
    command: Command, tmp_path: Path
) -> None:
    _folder(tmp_path, "1.jpg")
    (tmp_path / "empty").mkdir()

    without = command("people", "enroll", str(tmp_path / "1.jpg"))
    empty = command("people", "enroll", str(tmp_path / "empty"), "--person", "ada")

    assert "give one folder" in str(without.exception)
    assert "no photo in" in str(empty.exception)
    assert command("people", "enroll", str(tmp_path / "nowhere")).exit_code == 2
