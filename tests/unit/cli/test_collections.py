"""`facesocial collections`: what is asked of a gateway, and what is told of its answers."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from typer.testing import Result

from cli.errors import CliError
from client import Conflict
from client.testing import MADE, ScriptedGateway, collection_body, deletion_body

Command = Callable[..., Result]

CONTRACT = {
    "model": "sface",
    "sha256": "ab" * 32,
    "preprocessing_version": "1",
    "dimensions": 128,
}
CALIBRATION = {
    "points": list[object](),
    "searches": list[object](),
    "unsupported": list[object](),
    "genuine_pairs": 30,
    "impostor_pairs": 4000,
    "persons": 12,
    "measured_at": MADE,
    "at_version": 7,
    "contract": CONTRACT,
}
CHANGE = {"model": "arcface", "contract": None, "done": 4, "started_at": MADE, "job_id": "job_9"}


def _ok(body: object, status: int = 200) -> httpx.Response:
    return httpx.Response(status, json=body)


def _asked(gateway: ScriptedGateway) -> dict[str, Any]:
    asked: dict[str, Any] = json.loads(gateway.requests[-1].content)
    return asked


def test_a_collection_is_made_listed_and_shown(command: Command, scripted: ScriptedGateway) -> None:
    whole = collection_body(
        "album",
        title="Ours",
        persons=12,
        faces=40,
        contract=CONTRACT,
        calibration=CALIBRATION,
        reembedding=CHANGE,
    )
    scripted.answers = [_ok(collection_body("album"), 201), _ok({"items": [whole]}), _ok(whole)]

    made = command("collections", "create", "album", "--title", "Ours", "--model", "sface")
    assert made.stdout == "album: 0 persons, 0 faces.\n"
    assert _asked(scripted) == {"id": "album", "title": "Ours", "model": "sface"}

    listed = command("collections", "list").stdout
    assert all(word in listed for word in ("album", "Ours", "12", "40", "sface", "preset"))
    shown = command("collections", "show", "album").stdout
    assert "12 persons: 30 pairs of one person, 4000 of two." in shown
    assert "Changing to arcface: 4 of 40 faces, job job_9." in shown


def test_only_what_is_given_is_changed(command: Command, scripted: ScriptedGateway) -> None:
    scripted.answers = [_ok(collection_body("album", retention_seconds=86_400 * 30))] * 3

    table = command("collections", "settings", "album").stdout
    assert scripted.requests[-1].method == "GET"
    assert all(word in table for word in ("30 days", "0.01 (identification)", "standard"))

    command(
        *("collections", "settings", "album", "--thresholds", "fixed", "--similarity", "0.5"),
        *("--no-keep-images", "--consent-required", "--retention-days", "0", "--most-faces", "9"),
    )
    assert scripted.requests[-1].method == "PATCH"
    assert _asked(scripted) == {
        "thresholds": {"source": "fixed", "similarity": 0.5},
        "keep_images": False,
        "consent_required": True,
        "retention_seconds": None,
        "limits": {"faces_per_person": 9},
    }

    command("collections", "settings", "album", "--retention-days", "1.5", "--margin", "0.1")
    assert _asked(scripted) == {"thresholds": {"margin": 0.1}, "retention_seconds": 129_600}


def test_a_refused_change_is_an_error(command: Command, scripted: ScriptedGateway) -> None:
    told = {"code": "contract_mismatch", "detail": "The embeddings are another model's."}
    scripted.answers = [_ok(told, 409)]

    done = command("collections", "settings", "album", "--quality", "strict")

    assert isinstance(done.exception, Conflict)
    assert done.exception.code == "contract_mismatch"


@pytest.mark.parametrize(("answer", "methods"), [("n\n", ["GET"]), ("y\n", ["GET", "DELETE"])])
def test_a_collection_is_forgotten_once_that_is_confirmed(
    command: Command, scripted: ScriptedGateway, answer: str, methods: list[str]
) -> None:
    scripted.answers = [
        _ok(collection_body("album", persons=2, faces=5)),
        _ok(deletion_body(person_id=None, collection_id="album", faces=5)),
    ]

    done = command("collections", "delete", "album", typed=answer)

    assert "Forget 'album' with 2 persons and 5 faces?" in done.stderr
    assert [one.method for one in scripted.requests] == methods
    assert ("deletion_1: everybody of album, 5 faces" in done.stdout) == (answer == "y\n")


def test_certificates_are_listed_and_read(command: Command, scripted: ScriptedGateway) -> None:
    done = deletion_body("deletion_2", keys_destroyed_at=MADE, workers_cleared_at=MADE)
    scripted.answers = [_ok({"items": [deletion_body(), done]}), _ok(done), _ok(done)]

    table = command("collections", "certificates").stdout
    lines = command("collections", "certificates", "deletion_2").stdout
    [as_json] = json.loads(command("collections", "certificates", "deletion_2", "--json").stdout)

    assert table.count("not yet") == 2
    assert "destroyed" in table
    assert "cleared" in table
    assert "not yet" not in lines
    assert "old results name them" not in lines
    assert as_json["id"] == "deletion_2"


def test_a_certificate_tells_until_when_old_results_name_somebody(
    command: Command, scripted: ScriptedGateway
) -> None:
    scripted.answers = [_ok(deletion_body("deletion_2", results_named_until=MADE))]

    lines = command("collections", "certificates", "deletion_2").stdout

    assert "old results name them until 20" in lines


def _changed(*, switched: bool, dropped: int = 0) -> httpx.Response:
    face = {"face_id": "face_1", "person_id": "ada", "reason": "no_image"}
    result = {
        "collection": "album",
        "switched": switched,
        "model": "arcface",
        "faces": 40,
        "dropped": dropped,
        "unembeddable": 0 if switched else 1,
        "to_enroll": [] if switched else [face],
    }
    return _ok({"id": "job_1", "state": "succeeded", "created_at": MADE, "result": result})


def test_a_model_is_changed(command: Command, scripted: ScriptedGateway) -> None:
    scripted.answers = [_changed(switched=True), _changed(switched=True, dropped=2)]

    done = command("collections", "model", "album", "arcface")
    assert done.stdout == "album: 40 faces by arcface.\n"
    assert _asked(scripted) == {"model": "arcface", "drop_without_image": False}

    done = command("collections", "model", "album", "--drop-without-image")
    assert done.stdout == "album: 40 faces by arcface, 2 forgotten.\n"
    assert _asked(scripted) == {"model": None, "drop_without_image": True}


def test_a_model_that_could_not_be_changed_is_told(
    command: Command, scripted: ScriptedGateway
) -> None:
    scripted.answers = [_changed(switched=False), _ok(collection_body("album"))]

    done = command("collections", "model", "album", "arcface")
    assert isinstance(done.exception, CliError)
    assert "1 face can't be embedded anew" in str(done.exception)
    assert all(word in done.stdout for word in ("ada", "face_1", "no_image"))

    assert command("collections", "model", "album", "--keep").stdout == "album keeps its model.\n"
    assert scripted.requests[-1].method == "DELETE"
