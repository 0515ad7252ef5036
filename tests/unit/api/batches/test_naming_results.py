"""Whom the items of a batch name, in every form they are told in, until they are forgotten."""

import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from api.services import Services
from workers.identities.records import Collection, NewCollection, NewPerson
from workers.identities.told_persons import sealed_person
from workers.identities.trace_records import AuditEvent

NOTED = AuditEvent(action="person.created", by="local")
ANNA = {"id": "anna", "name": "Anna", "external_id": "", "metadata": {}}
FORGOTTEN = {**dict.fromkeys(ANNA), "id": "anna", "unreadable": "forgotten"}


def unzipped(content: bytes) -> list[Any]:
    archive = zipfile.ZipFile(io.BytesIO(content))
    names = [name for name in archive.namelist() if name.startswith("items/")]
    return [json.loads(archive.read(name)) for name in names]


#: By form of the results what is told of the persons in them.
FORMS: dict[str, Callable[[bytes], list[Any]]] = {
    "json": lambda content: json.loads(content)["items"],
    "ndjson": lambda content: [json.loads(line) for line in content.splitlines()],
    "zip": unzipped,
}


@pytest.fixture
def people(parts: Services) -> Collection:
    """A collection of the caller's with one person."""
    made = NewCollection(uid=f"col_{7:032x}", id="friends", owner="local")
    collection = parts.identities.collections.create(made, most=9, audit=NOTED)
    parts.identities.persons.put(collection.uid, NewPerson(id="anna", name="Anna"), audit=NOTED)
    return collection


@pytest.fixture
def result(parts: Services, people: Collection) -> str:
    """A result with one face, which is Anna's, as workers write it."""
    stores = parts.identities
    anna = stores.persons.get(people.uid, "anna")
    sealed = sealed_person(stores.seals, people.uid, anna).model_dump()
    box = {"x": 1, "y": 2, "width": 3, "height": 4}
    face = {"bbox": box, "confidence": 0.9, "identity": {"person": sealed}}
    return json.dumps({"faces": [face]}, separators=(",", ":"))


def persons(items: list[Any]) -> list[Any]:
    """Whom the items' faces are; None of an item without a result."""
    return [item["result"] and item["result"]["faces"][0]["identity"]["person"] for item in items]


@pytest.mark.usefixtures("people")
def test_items_name_a_person_until_they_are_deleted(
    client: FlaskClient,
    parts: Services,
    people: Collection,
    submitted: Callable[..., str],
    work: Callable[..., None],
    result: str,
) -> None:
    batch = submitted(3, "database_id=friends")
    work(2, result=result)

    def told() -> dict[str, list[Any]]:
        at = f"/api/v1/batch/results/{batch}?format="
        return {form: persons(read(client.get(at + form).data)) for form, read in FORMS.items()}

    before = told()
    parts.identities.persons.delete(people.uid, "anna", audit=NOTED)

    assert before == {form: [ANNA, None, ANNA] for form in FORMS}
    assert told() == {form: [FORGOTTEN, None, FORGOTTEN] for form in FORMS}
    table = client.get(f"/api/v1/batch/results/{batch}?format=csv").get_data(as_text=True)
    assert len(table.splitlines()) == 4
    assert "sealed" not in table
