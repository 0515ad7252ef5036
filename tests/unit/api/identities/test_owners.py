"""Collections of one user are nothing to another, whichever way they are named."""

import base64
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from pydantic import SecretStr

from api.accounts.users import User
from api.principal import Scope
from api.services import Services
from tests.unit.api.identities.album import API, NDJSON, contract, direction, exported
from tests.unit.api.matrix.people import add_key, add_user, bearer
from workers.batches.records import NewBatch
from workers.contract import AnalyzeOptions, IdentifyOptions
from workers.settings.process import Settings


@pytest.fixture
def settings() -> Settings:
    return Settings(
        development_key=SecretStr("fs_dev_" + "d" * 32),
        limit_address_per_minute=0,
        access_log=False,
        max_waiting_jobs=100,
    )


@pytest.fixture
def people(parts: Services) -> dict[str, tuple[User, dict[str, str]]]:
    """Two users with a key for everything each."""
    users = {name: add_user(parts, "user") for name in ("ada", "bob")}
    return {name: (user, bearer(add_key(parts, user, *Scope))) for name, user in users.items()}


@pytest.fixture
def ada(people: dict[str, tuple[User, dict[str, str]]]) -> dict[str, str]:
    return people["ada"][1]


@pytest.fixture
def bob(people: dict[str, tuple[User, dict[str, str]]]) -> dict[str, str]:
    return people["bob"][1]


def test_two_users_may_call_their_collections_the_same_and_see_their_own(
    client: FlaskClient, ada: dict[str, str], bob: dict[str, str]
) -> None:
    for who, title in ((ada, "Ada's"), (bob, "Bob's")):
        made = client.post(API, json={"id": "album", "title": title}, headers=who)
        assert made.status_code == 201
        client.post(f"{API}/album/persons", json={"id": "anna", "name": title}, headers=who)
        client.get(f"{API}/default", headers=who)

    for who, title in ((ada, "Ada's"), (bob, "Bob's")):
        assert client.get(f"{API}/album", headers=who).get_json()["title"] == title
        assert client.get(f"{API}/album/persons/anna", headers=who).get_json()["name"] == title
        assert len(client.get(API, headers=who).get_json()["items"]) == 2
    client.delete(f"{API}/album", headers=ada)
    assert client.get(f"{API}/album/persons/anna", headers=bob).status_code == 200
    assert client.get("/api/v1/deletions", headers=bob).get_json()["items"] == []


def test_a_job_searches_the_collection_of_whoever_asks(
    client: FlaskClient,
    parts: Services,
    people: dict[str, tuple[User, dict[str, str]]],
    photo: Callable[..., bytes],
) -> None:
    image = base64.b64encode(photo()).decode()
    found = set()
    for user, who in people.values():
        client.post(API, json={"id": "album"}, headers=who)
        body = {"image": image, "database_id": "album"}
        answer = client.post("/api/v1/face/recognize", json=body, headers=who)
        options = parts.jobs.get(answer.get_json()["id"]).options
        assert isinstance(options, AnalyzeOptions)
        assert options.identify is not None
        assert options.identify.by == user.id
        uid = parts.identities.collections.get(user.id, "album").uid
        assert options.identify.collection == uid
        found.add(uid)
    assert len(found) == 2


def test_a_stranger_s_collection_is_nothing_by_its_own_name_either(
    client: FlaskClient,
    parts: Services,
    people: dict[str, tuple[User, dict[str, str]]],
    photo: Callable[..., bytes],
) -> None:
    ada, (_, bob) = people["ada"][1], people["bob"]
    client.post(API, json={"id": "album"}, headers=ada)
    uid = parts.identities.collections.get(people["ada"][0].id, "album").uid
    image = base64.b64encode(photo()).decode()

    for name in ("album", uid):
        body = {"image": image, "database_id": name}
        answers = [
            client.get(f"{API}/{name}", headers=bob),
            client.delete(f"{API}/{name}", headers=bob),
            client.post("/api/v1/face/analyze", json=body, headers=bob),
            client.post(f"{API}/{name}/identify", json={"image": image}, headers=bob),
            client.post(f"{API}/{name}/import", data=b"", content_type=NDJSON, headers=bob),
        ]
        assert {one.get_json()["code"] for one in answers} == {"collection_not_found"}


def test_naming_faces_takes_the_right_to_read_collections(
    client: FlaskClient,
    parts: Services,
    people: dict[str, tuple[User, dict[str, str]]],
    photo: Callable[..., bytes],
) -> None:
    user, who = people["ada"]
    client.post(API, json={"id": "album"}, headers=who)
    narrow = bearer(add_key(parts, user, Scope.ANALYZE))
    image = base64.b64encode(photo()).decode()

    refused = client.post(
        "/api/v1/face/recognize", json={"image": image, "database_id": "album"}, headers=narrow
    )
    plain = client.post("/api/v1/face/recognize", json={"image": image}, headers=narrow)

    assert (refused.status_code, refused.get_json()["code"]) == (403, "auth_forbidden")
    assert plain.status_code == 202


def test_what_a_job_or_batch_tells_of_people_takes_the_same_right(
    client: FlaskClient,
    parts: Services,
    people: dict[str, tuple[User, dict[str, str]]],
    photo: Callable[..., bytes],
) -> None:
    user, who = people["ada"]
    parts.people.users.set_standing(user.id, role="developer")
    client.post(API, json={"id": "album"}, headers=who)
    image = base64.b64encode(photo()).decode()
    body = {"image": image, "database_id": "album"}
    job = client.post("/api/v1/face/recognize", json=body, headers=who).get_json()
    uid = parts.identities.collections.get(user.id, "album").uid
    batch_id = f"batch_{'1' * 32}"
    options = AnalyzeOptions(identify=IdentifyOptions(collection=uid))
    parts.batches.create(NewBatch(id=batch_id, owner=user.id, options=options))
    addresses = [
        job["links"]["self"],
        job["links"]["events"],
        f"/api/v1/batch/{batch_id}",
        f"/api/v1/batch/results/{batch_id}",
    ]

    narrow = bearer(add_key(parts, user, Scope.ANALYZE, Scope.BATCH))
    wide = bearer(add_key(parts, user, Scope.ANALYZE, Scope.BATCH, Scope.IDENTITY_READ))
    for address in addresses:
        refused = client.get(address, headers=narrow)
        assert (refused.status_code, refused.get_json()["code"]) == (403, "auth_forbidden")
    for address in (addresses[0], *addresses[2:]):
        assert client.get(address, headers=wide).status_code == 200


def test_everything_that_is_done_is_audited_with_who_and_by_what(
    client: FlaskClient, parts: Services, people: dict[str, tuple[User, dict[str, str]]]
) -> None:
    user, _ = people["ada"]
    key = add_key(parts, user, *Scope)
    who = bearer(key)
    client.environ_base["HTTP_AUTHORIZATION"] = who["Authorization"]

    do_everything(client, f"{API}/album")

    told = client.get(f"{API}/album/audit", query_string={"limit": 100})
    events = told.get_json()["items"]
    assert [one["action"] for one in reversed(events)] == [
        "collection.created",
        "collection.changed",
        "person.created",
        "faces.imported",
        "person.created",
        "faces.imported",
        "person.changed",
        "person.exported",
        "face.deleted",
        "person.merged",
        "person.deleted",
        "collection.exported",
    ]
    assert {one["by"] for one in events} == {user.id}
    assert {one["credential_id"] for one in events} == {f"key_{key.split('_')[2]}"}
    assert all(one["cause"].startswith("req_") for one in events)
    assert "Smith" not in told.get_data(as_text=True)


def do_everything(client: FlaskClient, album: str) -> None:
    """Whatever there is to do with a collection without a worker."""
    own = contract()
    lines = "\n".join(
        f'{{"person_id": "{name}", "embedding": {direction(number)}, "model": "{own["model"]}", '
        f'"sha256": "{own["sha256"]}", "preprocessing_version": "1"}}'
        for number, name in enumerate(("anna", "bert"))
    )
    client.post(API, json={"id": "album"})
    client.patch(album, json={"title": "x"})
    client.post(f"{album}/import", data=lines, content_type=NDJSON)
    client.patch(f"{album}/persons/anna", json={"name": "Anna Smith"})
    client.get(f"{album}/persons/anna/export").get_data()
    [face] = client.get(f"{album}/persons/anna/faces").get_json()["items"]
    client.delete(f"{album}/faces/{face['id']}")
    client.post(f"{album}/persons/anna/merge", json={"person_id": "bert"})
    client.delete(f"{album}/persons/anna")
    exported(client)
