"""Known people through the blocking client, against a scripted gateway."""

import io
import json
import tarfile
from pathlib import Path
from urllib.parse import parse_qs

import httpx
import pytest

from client import Client, Conflict, NotFound
from client.errors import BadAnswer, ClientError
from client.testing import ScriptedGateway, collection_body, deletion_body, person_body

MADE = "2026-01-01T00:00:00Z"
END = b'{"kind": "end", "persons": 1, "faces": 0}\n'


def _page(*items: dict[str, object], after: str | None = None) -> httpx.Response:
    return httpx.Response(200, json={"items": items, "next_cursor": after})


def _asked(gateway: ScriptedGateway) -> list[tuple[str, str]]:
    return [(one.method, one.url.raw_path.decode()) for one in gateway.requests]


def test_a_collection_is_made_again_after_a_lost_answer_with_the_same_key(
    faces: Client, gateway: ScriptedGateway
) -> None:
    gateway.answers = [
        httpx.ReadTimeout("too slow"),
        httpx.Response(201, json=collection_body("album", title="Ours")),
    ]

    made = faces.collections.create("album", title="Ours", keep_images=True)

    assert (made.id, made.title, made.thresholds.fpir) == ("album", "Ours", 0.01)
    assert _asked(gateway) == [("POST", "/api/v1/collections")] * 2
    first, second = gateway.requests
    assert json.loads(second.content) == {"id": "album", "title": "Ours", "keep_images": True}
    assert first.headers["Idempotency-Key"] == second.headers["Idempotency-Key"]


def test_a_change_may_be_held_against_a_revision(faces: Client, gateway: ScriptedGateway) -> None:
    told = {"code": "revision_mismatch", "detail": "It has been changed meanwhile."}
    gateway.answers = [httpx.Response(412, json=told), httpx.Response(200, json=person_body("ada"))]

    with pytest.raises(Conflict) as raised:
        faces.people.change("ada", revision=3, name="Ada L.")
    faces.people.change("ada", external_id=None)

    assert raised.value.code == "revision_mismatch"
    first, second = gateway.requests
    assert first.headers["If-Match"] == '"r3"'
    assert "If-Match" not in second.headers
    assert json.loads(second.content) == {"external_id": None}


def test_photos_of_a_person_are_sent_with_what_is_known_of_them(
    faces: Client, gateway: ScriptedGateway
) -> None:
    job = {"id": "job_1", "state": "queued", "created_at": MADE}
    gateway.answers = [httpx.Response(202, json=job)]

    faces.people.enroll(
        "ada",
        [b"one", b"two"],
        collection="album",
        name="Ada",
        metadata={"floor": 3},
        require=["live", "authentic"],
        consent=None,
        wait_seconds=5,
    )

    [request] = gateway.requests
    assert request.url.path == "/api/v1/collections/album/persons/ada/faces"
    assert parse_qs(request.url.query.decode()) == {"wait": ["5"]}
    assert request.content.count(b'name="images"') == 2
    assert b'{"floor": 3}' in request.content
    assert b"live,authentic" in request.content
    assert b"consent" not in request.content


def test_faces_are_identified_and_verified_in_the_default_collection(
    faces: Client, gateway: ScriptedGateway
) -> None:
    job = {"id": "job_1", "state": "queued", "created_at": MADE}
    gateway.answers = [httpx.Response(202, json=job) for _ in range(3)]

    faces.people.identify(b"jpeg", fpir=1e-3)
    faces.people.verify("ada", b"jpeg", far=1e-4)
    faces.people.search([(0.6, 0.8)], model="sface")

    assert _asked(gateway) == [
        ("POST", "/api/v1/collections/default/identify"),
        ("POST", "/api/v1/collections/default/persons/ada/verify"),
        ("POST", "/api/v1/collections/default/identify"),
    ]
    assert b"0.001" in gateway.requests[0].content
    assert b"0.0001" in gateway.requests[1].content
    asked = json.loads(gateway.requests[2].content)
    assert asked == {"embeddings": [[0.6, 0.8]], "model": "sface"}


def test_everybody_is_read_page_by_page(faces: Client, gateway: ScriptedGateway) -> None:
    gateway.answers = [_page(person_body("ada"), after="c1"), _page(person_body("bo"))]

    assert [person.id for person in faces.people.everybody(collection="album")] == ["ada", "bo"]
    assert [one.url.params.get("after") for one in gateway.requests] == [None, "c1"]


def test_a_deletion_is_told_by_its_certificate(faces: Client, gateway: ScriptedGateway) -> None:
    done = deletion_body(keys_destroyed_at=MADE, workers_cleared_at=MADE)
    gateway.answers = [
        httpx.Response(200, json=deletion_body(keys_destroyed_at=MADE)),
        httpx.Response(200, json=done),
    ]

    deletion = faces.people.delete("ada")
    later = faces.collections.deletion(deletion.id)

    assert not deletion.is_forgotten
    assert later.is_forgotten
    assert _asked(gateway) == [
        ("DELETE", "/api/v1/collections/default/persons/ada"),
        ("GET", "/api/v1/deletions/deletion_1"),
    ]


def test_a_merge_names_who_goes(faces: Client, gateway: ScriptedGateway) -> None:
    gateway.answers = [httpx.Response(200, json=person_body("ada", faces=4))]

    assert faces.people.merge("adah", into="ada").faces == 4

    [request] = gateway.requests
    assert request.url.path == "/api/v1/collections/default/persons/ada/merge"
    assert json.loads(request.content) == {"person_id": "adah"}


def test_an_id_can_t_lead_to_another_address(faces: Client, gateway: ScriptedGateway) -> None:
    for wrong in ("", ".", "..", "../x?a=b", "Zoë", "a b", "a" * 65):
        with pytest.raises(ClientError, match="can't be an id"):
            faces.people.delete(wrong)

    assert gateway.requests == []


def test_a_folder_of_people_is_sent_with_its_list_first(
    faces: Client, gateway: ScriptedGateway, tmp_path: Path
) -> None:
    (tmp_path / "ada").mkdir()
    (tmp_path / "ada" / "1.jpg").write_bytes(b"jpeg")
    (tmp_path / "notes.txt").write_text("no photo")
    (tmp_path / "manifest.csv").write_text("file,person_id\nada/1.jpg,ada\n")
    counts = dict.fromkeys(("total", "pending", "running", "succeeded", "failed", "cancelled"), 0)
    batch = {"id": "batch_1", "state": "running", "created_at": MADE, "counts": counts}
    gateway.answers = [httpx.Response(202, json=batch)]

    assert faces.collections.enroll(tmp_path, face="largest", require=["live"]).id == "batch_1"

    [request] = gateway.requests
    assert request.url.path == "/api/v1/collections/default/enrollments"
    assert dict(request.url.params) == {"face": "largest", "require": "live"}
    with tarfile.open(fileobj=io.BytesIO(request.content)) as archive:
        assert archive.getnames() == ["manifest.csv", "ada/1.jpg"]


def test_an_export_is_a_file_once_all_of_it_came(
    faces: Client, gateway: ScriptedGateway, tmp_path: Path
) -> None:
    target = tmp_path / "album.ndjson"
    lines = b'{"kind": "person", "id": "ada"}\n' + END
    gateway.answers = [
        httpx.ConnectError("nobody there"),
        httpx.Response(200, content=lines[:9]),
        httpx.Response(200, content=lines),
    ]
    told: list[int] = []

    with pytest.raises(BadAnswer, match="broke off"):
        faces.collections.export(target)
    assert list(tmp_path.iterdir()) == []

    faces.collections.export(target, progress=lambda done, _total: told.append(done))
    assert target.read_bytes() == lines
    assert list(tmp_path.iterdir()) == [target]
    assert told[-1] == len(lines)


def test_a_refused_export_leaves_what_was_there(
    faces: Client, gateway: ScriptedGateway, tmp_path: Path
) -> None:
    target = tmp_path / "ada.zip"
    target.write_bytes(b"old")
    # It comes bit by bit, as from the network.
    gateway.answers = [httpx.Response(404, content=iter([b'{"code": "person_', b'not_found"}']))]

    with pytest.raises(NotFound) as raised:
        faces.people.export("ada", target)

    assert raised.value.code == "person_not_found"
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_an_import_tells_what_became_of_its_lines(
    faces: Client, gateway: ScriptedGateway, tmp_path: Path
) -> None:
    source = tmp_path / "album.ndjson"
    source.write_bytes(END)
    imported = {
        "lines": 3,
        "persons": {"added": 1, "known": 0},
        "faces": {"added": 1, "known": 0, "duplicate": 0, "full": 0},
        "rejected": 1,
        "rejections": [{"line": 3, "code": "embedding_norm", "message": "Not 1."}],
        "version": 7,
    }
    gateway.answers = [httpx.Response(200, json=imported)]

    told = faces.collections.load(source, create_persons=False)

    assert (told.faces.added, told.rejections[0].code) == (1, "embedding_norm")
    [request] = gateway.requests
    assert request.url.params["create_persons"] == "false"
    assert request.headers["Content-Type"] == "application/x-ndjson"
    assert request.content == END


def test_an_answer_of_another_version_is_told_as_such(
    faces: Client, gateway: ScriptedGateway
) -> None:
    gateway.answers = [httpx.Response(200, json={"id": "album"})]

    with pytest.raises(BadAnswer, match="of one version"):
        faces.collections.get("album")
