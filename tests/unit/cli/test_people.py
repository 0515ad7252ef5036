"""`facesocial people`: what is asked of a gateway, and what is told of its answers."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image
from typer.testing import Result

from cli.annotate import DECISION_COLOURS
from cli.errors import CliError
from client.testing import MADE, ScriptedGateway, person_body

Command = Callable[..., Result]

PERSON = {"id": "ada", "name": "Ada", "external_id": "", "metadata": {}}
UNKNOWN = {
    "decision": "unknown",
    "person": None,
    "candidates": [],
    "similarity": 0.12,
    "margin": None,
    "reasons": ["below_threshold"],
}
MATCH = {
    **UNKNOWN,
    "decision": "match",
    "person": PERSON,
    "similarity": 0.71,
    "margin": 0.6,
    "reasons": [],
}
HOW = {
    "collection": "album",
    "persons": 2,
    "faces": 3,
    "threshold": 0.363,
    "source": "preset",
    "fpir": 0.01,
    "fpir_expected": 0.003,
    "fpir_supported": True,
    "threshold_extrapolated": False,
}


def _ok(body: object, status: int = 200) -> httpx.Response:
    return httpx.Response(status, json=body)


def _job(**members: object) -> httpx.Response:
    return _ok({"id": "job_1", "state": "succeeded", "created_at": MADE, **members})


def _face(identity: object, x: float = 10) -> dict[str, Any]:
    box = {"x": x, "y": 10.0, "width": 30.0, "height": 40.0}
    return {"bbox": box, "confidence": 0.9, "landmarks": {}, "identity": identity}


def _paths(gateway: ScriptedGateway) -> list[str]:
    start = "/api/v1/collections/"
    return [f"{one.method} {one.url.path.removeprefix(start)}" for one in gateway.requests]


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "party.png"
    Image.new("RGB", (320, 240), (20, 20, 20)).save(path)
    return path


def test_people_are_listed_and_shown(command: Command, scripted: ScriptedGateway) -> None:
    consent = {"given_at": MADE, "purpose": "door"}
    ada = person_body("ada", name="Ada", faces=1, consent=consent, metadata={"floor": 3})
    face = {
        "id": "face_1",
        "person_id": "ada",
        "quality": 0.9,
        "source_sha256": "ab" * 32,
        "origin": "job_1",
        "added_by": "user_1",
        "added_at": MADE,
        "has_image": True,
    }
    pages = [{"items": [ada], "next_cursor": "c"}, {"items": [person_body("bo")]}]
    scripted.answers = [_ok(page) for page in pages]

    table = command("people", "list", "--collection", "album").stdout

    assert all(word in table for word in ("ada", "Ada", "door", "bo", "never"))
    assert _paths(scripted) == ["GET album/persons"] * 2

    scripted.answers = [_ok(ada), _ok({"items": [face]})] * 2
    shown = command("people", "show", "ada").stdout
    assert all(word in shown for word in ("floor: 3", "face_1", "0.90", "abababababab", "yes"))
    as_json = json.loads(command("people", "show", "ada", "--json").stdout)
    assert as_json["enrolled_faces"][0]["id"] == "face_1"


def test_a_name_that_looks_like_an_order_to_the_terminal_is_only_a_name(
    command: Command, scripted: ScriptedGateway
) -> None:
    name = "Ada [/b] [red]L.[/red] :smile:"
    scripted.answers = [_ok({"items": [person_body("ada", name=f"{name}\x1b[2J")]})]

    assert f"{name}\N{REPLACEMENT CHARACTER}[2J" in command("people", "list").stdout


def test_one_is_found_by_a_key_of_another_system(
    command: Command, scripted: ScriptedGateway
) -> None:
    scripted.answers = [_ok({"items": [person_body("ada", external_id="7")]})]

    [found] = json.loads(command("people", "list", "--external-id", "7", "--json").stdout)

    assert found["id"] == "ada"
    assert scripted.requests[0].url.params["external_id"] == "7"


def test_a_person_is_renamed(command: Command, scripted: ScriptedGateway) -> None:
    scripted.answers = [_ok(person_body("ada", name="Ada L."))]

    assert command("people", "rename", "ada", "Ada L.").stdout == "ada is called Ada L. now.\n"
    assert json.loads(scripted.requests[0].content) == {"name": "Ada L."}


@pytest.mark.parametrize("answer", ["n\n", ""])
def test_nobody_is_forgotten_unless_that_was_confirmed(
    command: Command, scripted: ScriptedGateway, answer: str
) -> None:
    scripted.answers = [_ok(person_body("ada", name="Ada", faces=2))]
    done = command("people", "delete", "ada", typed=answer)
    assert done.exit_code == 1
    assert "Forget Ada (ada) with 2 faces?" in done.stderr

    scripted.answers = [_ok(person_body("adah")), _ok(person_body("ada"))]
    assert command("people", "merge", "adah", "ada", typed=answer).exit_code == 1

    assert {one.method for one in scripted.requests} == {"GET"}


def test_two_are_merged(command: Command, scripted: ScriptedGateway) -> None:
    scripted.answers = [_ok(person_body("ada", faces=5))]

    done = command("people", "merge", "adah", "ada", "--yes")

    assert done.stdout == "adah is ada now: 5 faces.\n"
    assert json.loads(scripted.requests[0].content) == {"person_id": "adah"}


def test_faces_are_named_in_a_table_and_on_pictures(
    command: Command, scripted: ScriptedGateway, photo: Path, tmp_path: Path
) -> None:
    result = {"faces": [_face(MATCH), _face(UNKNOWN, x=150)], "identification": HOW}
    scripted.answers = [_job(result=result)]
    out = tmp_path / "named"

    done = command("people", "identify", str(photo), "--fpir", "0.01", "--pictures", str(out))

    assert done.exit_code == 0
    told = done.stdout
    assert all(word in told for word in ("Ada", "0.710", "0.600", "unknown", "below_threshold"))
    assert "at a similarity of 0.363 or more (preset), among 2 persons with 3 faces" in told
    assert "at most 0.30% of strangers are named." in told
    assert b"0.01" in scripted.requests[0].content
    with Image.open(out / "party.faces.png") as drawn:
        assert drawn.getpixel((10, 40)) == DECISION_COLOURS["match"]
        assert drawn.getpixel((150, 40)) == DECISION_COLOURS["unknown"]


def test_who_can_t_be_told_of_any_more_is_an_id_with_the_reason(
    command: Command, scripted: ScriptedGateway, photo: Path, tmp_path: Path
) -> None:
    gone = {**dict.fromkeys(PERSON), "id": "ada", "unreadable": "keys_unavailable"}
    faces = [_face({**MATCH, "person": gone})]
    scripted.answers = [_job(result={"faces": faces, "identification": HOW})]

    done = command("people", "identify", str(photo), "--pictures", str(tmp_path / "named"))

    assert done.exit_code == 0
    assert "ada (keys unavailable)" in done.stdout


@pytest.mark.parametrize(
    ("extrapolated", "told"),
    [
        (False, "but 1.00% was asked for and nothing stricter was measured."),
        (True, "the threshold is extrapolated beyond what was measured."),
    ],
)
def test_an_unsupported_rate_is_told(
    command: Command, scripted: ScriptedGateway, photo: Path, *, extrapolated: bool, told: str
) -> None:
    how = {**HOW, "fpir_supported": False, "threshold_extrapolated": extrapolated}
    scripted.answers = [_job(result={"faces": [_face(UNKNOWN)], "identification": how})]

    assert told in command("people", "identify", str(photo)).stdout


def test_an_empty_collection_is_told(
    command: Command, scripted: ScriptedGateway, photo: Path
) -> None:
    how = {**HOW, "faces": 0, "threshold": None}
    scripted.answers = [_job(result={"faces": list[object](), "identification": how})]

    told = command("people", "identify", str(photo)).stdout

    assert "no face" in told
    assert "Nothing was compared: 'album' has 0 faces." in told


def test_photos_of_a_folder_are_identified_and_failures_are_told(
    command: Command, scripted: ScriptedGateway, photo: Path
) -> None:
    (photo.parent / "broken.jpg").write_bytes(b"no photo")
    refused = {"code": "invalid_image_format", "detail": "It is no image."}
    result = {"faces": list[object](), "identification": HOW}
    scripted.answers = [_ok(refused, 415), _job(result=result)]

    done = command("people", "identify", str(photo.parent), "--json")

    assert isinstance(done.exception, CliError)
    first, second = json.loads(done.stdout)
    assert (first["error"]["code"], second["result"]["faces"]) == ("invalid_image_format", [])


@pytest.mark.parametrize(
    ("status", "code"), [(404, "collection_not_found"), (401, "auth_required")]
)
def test_what_every_photo_would_be_refused_for_is_asked_once(
    command: Command, scripted: ScriptedGateway, photo: Path, status: int, code: str
) -> None:
    (photo.parent / "second.jpg").write_bytes(photo.read_bytes())
    scripted.answers = [_ok({"code": code, "detail": "No."}, status)]

    done = command("people", "identify", str(photo.parent))

    assert str(done.exception) == "No."
    assert len(scripted.requests) == 1


def test_a_claim_is_verified(command: Command, scripted: ScriptedGateway, photo: Path) -> None:
    result = {
        "person": PERSON,
        "is_match": False,
        "similarity": 0.31,
        "threshold": 0.363,
        "source": "preset",
        "far": 0.001,
        "reasons": ["below_threshold"],
        "model": "sface",
        "origin": "LFW",
    }
    scripted.answers = [_job(result=result)] * 2

    told = command("people", "verify", "ada", str(photo), "--far", "0.001").stdout

    assert told.startswith("This does not match Ada: similarity 0.310 (cosine), threshold 0.363")
    assert "at FAR 0.001; below_threshold." in told
    as_json = command("people", "verify", "ada", str(photo), "--json").stdout
    assert json.loads(as_json) == result
    assert _paths(scripted)[0] == "POST default/persons/ada/verify"


def test_embeddings_are_exported_and_imported(
    command: Command, scripted: ScriptedGateway, tmp_path: Path
) -> None:
    target = tmp_path / "album.ndjson"
    end = b'{"kind": "end", "persons": 0, "faces": 0}\n'
    imported = {
        "lines": 2,
        "persons": {"added": 1, "known": 0},
        "faces": {"added": 1, "known": 2, "duplicate": 0, "full": 0},
        "rejected": 1,
        "rejections": [{"line": 2, "code": "embedding_norm", "message": "Its length is not 1."}],
        "version": 3,
    }
    scripted.answers = [httpx.Response(200, content=end), _ok(imported)]

    assert command("people", "export", str(target)).stdout == f"{target}\n"
    done = command("people", "import", str(target), "--no-create-persons")

    assert target.read_bytes() == end == scripted.requests[1].content
    assert done.stdout == "1 face added, 2 were there; 1 person made, 0 were there.\n"
    assert "line 2: Its length is not 1." in done.stderr
    assert isinstance(done.exception, CliError)


def test_an_export_that_can_t_be_written_is_told(
    command: Command, scripted: ScriptedGateway, tmp_path: Path
) -> None:
    scripted.answers = [httpx.Response(200, content=b"zip")]

    done = command("people", "export", str(tmp_path / "nowhere" / "ada.zip"), "--person", "ada")

    assert isinstance(done.exception, CliError)
    assert _paths(scripted) == ["GET default/persons/ada/export"]
