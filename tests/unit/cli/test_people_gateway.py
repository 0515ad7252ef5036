"""Commands of known people against a gateway's own routes and store, where no worker is needed."""

import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cli.main import app
from client import NotFound
from models.catalogue import load_catalogue
from tests.unit.cli.loopback import OWN_KEY, keyed_gateway

Run = Callable[..., Result]


@pytest.fixture
def url() -> Iterator[str]:
    with keyed_gateway() as url:
        yield url


@pytest.fixture
def run(url: str, tmp_path: Path) -> Run:
    def _run(*arguments: str) -> Result:
        environment = {
            "XDG_CONFIG_HOME": str(tmp_path / "config"),
            "FACESOCIAL_DATA_DIR": str(tmp_path / "data"),
            "FACESOCIAL_CLIENT_KEY": OWN_KEY,
        }
        return CliRunner().invoke(app, [*arguments, "--gateway", url], env=environment)

    return _run


@pytest.fixture
def gallery(tmp_path: Path) -> Path:
    """Ada with two embeddings, Bo with one, as somebody else's program may have written them."""
    spec = load_catalogue().model("sface")
    contract = {
        "model": spec.id,
        "sha256": spec.file.sha256,  # type: ignore[union-attr]  # it is pinned
        "preprocessing_version": "1 arcface_112",
        "dimensions": 128,
    }
    lines: list[dict[str, object]] = [
        {"kind": "collection", "contract": contract},
        {"kind": "person", "id": "ada", "name": "Ada", "metadata": {"floor": 3}},
        {"kind": "person", "id": "bo", "name": "Bo"},
    ]
    for place, person in enumerate(("ada", "ada", "bo")):
        embedding = [0.0] * 128
        embedding[place] = embedding[place + 1] = math.sqrt(0.5)
        lines.append({"person_id": person, "embedding": embedding})
    path = tmp_path / "gallery.ndjson"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def _people(run: Run) -> dict[str, tuple[str, int]]:
    listed = json.loads(run("people", "list", "--collection", "family", "--json").stdout)
    return {person["id"]: (person["name"], person["faces"]) for person in listed}


def test_people_come_and_go(run: Run, gallery: Path, tmp_path: Path) -> None:
    here = ("--collection", "family")
    made = run("collections", "create", "family", "--title", "Ours")
    assert made.stdout == "family: 0 persons, 0 faces.\n", made.exception

    done = run("people", "import", str(gallery), *here)
    assert done.stdout == "3 faces added; 2 persons made, 0 were there.\n", done.output
    again = run("people", "import", str(gallery), *here)
    assert again.stdout == "0 faces added, 3 were there; 0 persons made, 2 were there.\n"
    assert _people(run) == {"ada": ("Ada", 2), "bo": ("Bo", 1)}
    assert "Embeddings: sface, 128 dimensions." in run("collections", "show", "family").stdout

    assert run("people", "rename", "ada", "Ada L.", *here).exit_code == 0
    assert run("people", "merge", "bo", "ada", "--yes", *here).stdout == "bo is ada now: 3 faces.\n"
    shown = run("people", "show", "ada", *here).stdout
    assert "floor: 3" in shown
    assert shown.count("face_") == 3

    target = tmp_path / "export.ndjson"
    assert run("people", "export", str(target), *here).exit_code == 0
    exported = [json.loads(line) for line in target.read_text("utf-8").splitlines()]
    assert [one["kind"] for one in exported] == ["collection", "person", *["face"] * 3, "end"]
    assert run("people", "export", str(tmp_path / "a.zip"), "--person", "ada", *here).exit_code == 0

    [gone] = json.loads(run("people", "delete", "ada", "--yes", "--json", *here).stdout)
    assert (gone["person_id"], gone["faces"]) == ("ada", 3)
    assert _people(run) == {}
    missing = run("people", "show", "ada", *here)
    assert isinstance(missing.exception, NotFound)
    assert missing.exception.code == "person_not_found"
    assert gone["id"] in run("collections", "certificates").stdout
    assert run("collections", "delete", "family", "--yes").exit_code == 0
    assert "family" not in run("collections", "list").stdout


def test_rules_are_changed_one_by_one(run: Run) -> None:
    run("collections", "create", "family")
    run("collections", "settings", "family", "--thresholds", "fixed", "--similarity", "0.5")

    done = run("collections", "settings", "family", "--fpir", "0.001", "--retention-days", "30")

    assert all(word in done.stdout for word in ("fixed", "0.5", "0.001 (ident", "30 days"))
    once = json.loads(
        run("collections", "settings", "family", "--retention-days", "0", "--json").stdout
    )
    assert once["retention_seconds"] is None
