"""/api/v1/collections, over the store itself on an imitation of its server."""

import pytest
from flask.testing import FlaskClient

from api.services import Services
from tests.unit.api.identities.album import API
from workers.identities.trace_records import AuditEvent


def test_a_collection_is_made_with_its_defaults_and_found_again(client: FlaskClient) -> None:
    answer = client.post(API, json={"id": "album", "title": "Family"})

    assert answer.status_code == 201
    assert answer.headers["Location"] == f"{API}/album"
    assert answer.headers["ETag"] == '"r1"'
    made = answer.get_json()
    assert made["title"] == "Family"
    assert made["thresholds"] == {
        "source": "preset",
        "far": 0.001,
        "fpir": 0.01,
        "similarity": None,
        "margin": 0.05,
    }
    assert made["limits"] == {"persons": 1_000_000, "faces_per_person": 100}
    assert (made["contract"], made["levels"], made["calibration"]) == (None, None, None)
    assert client.get(f"{API}/album").get_json() == made
    assert client.get(API).get_json()["items"] == [made]


def test_the_same_again_is_the_same_and_another_of_that_id_is_refused(client: FlaskClient) -> None:
    first = client.post(API, json={"id": "album", "keep_images": True})
    again = client.post(API, json={"id": "album", "keep_images": True})
    other = client.post(API, json={"id": "album", "keep_images": False})

    assert (first.status_code, again.status_code) == (201, 200)
    assert again.get_json() == first.get_json()
    assert (other.status_code, other.get_json()["code"]) == (409, "collection_exists")


def test_an_id_that_was_not_sent_can_t_be_guessed(client: FlaskClient) -> None:
    made = {client.post(API).get_json()["id"] for _ in range(3)}

    assert len(made) == 3
    assert all(len(name) == len("collection_") + 32 for name in made)


def test_the_default_collection_is_there_when_it_is_asked_for(client: FlaskClient) -> None:
    assert client.get(API).get_json()["items"] == []
    assert client.delete(f"{API}/default").status_code == 404

    assert client.get(f"{API}/default").get_json()["id"] == "default"
    assert [one["id"] for one in client.get(API).get_json()["items"]] == ["default"]


def test_what_is_not_sent_of_a_change_stays(client: FlaskClient) -> None:
    client.post(
        API,
        json={"id": "album", "retention_seconds": 3600, "thresholds": {"far": 0.01, "margin": 0.1}},
    )

    changed = client.patch(
        f"{API}/album",
        json={"quality": "strict", "thresholds": {"fpir": 0.001}, "limits": {"persons": 5}},
    ).get_json()

    assert changed["quality"] == "strict"
    assert changed["retention_seconds"] == 3600
    thresholds = changed["thresholds"]
    assert (thresholds["far"], thresholds["fpir"], thresholds["margin"]) == (0.01, 0.001, 0.1)
    assert changed["limits"] == {"persons": 5, "faces_per_person": 100}
    null = client.patch(f"{API}/album", json={"retention_seconds": None}).get_json()
    assert null["retention_seconds"] is None


def test_a_change_of_what_somebody_else_has_changed_is_refused(client: FlaskClient) -> None:
    seen = client.post(API, json={"id": "album"}).headers["ETag"]
    client.patch(f"{API}/album", json={"title": "First"}, headers={"If-Match": seen})

    late = client.patch(f"{API}/album", json={"title": "Second"}, headers={"If-Match": seen})

    assert (late.status_code, late.get_json()["code"]) == (412, "revision_mismatch")
    now = client.get(f"{API}/album")
    assert now.get_json()["title"] == "First"
    for tag in (now.headers["ETag"], "*", f"W/{now.headers['ETag']}"):
        renewed = client.patch(f"{API}/album", json={"title": "First"}, headers={"If-Match": tag})
        assert renewed.status_code == 200


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"id": "a b"}, "id"),
        ({"id": "-a"}, "id"),
        ({"quality": "best"}, "quality"),
        ({"thresholds": {"far": 0}}, "thresholds.far"),
        ({"thresholds": {"source": "fixed"}}, "thresholds.similarity"),
        ({"thresholds": {"source": "calibrated"}}, "thresholds.source"),
        ({"limits": {"faces_per_person": 0}}, "limits.faces_per_person"),
        ({"retention_seconds": 1}, "retention_seconds"),
    ],
)
def test_what_means_nothing_is_refused(
    client: FlaskClient, body: dict[str, object], field: str
) -> None:
    answer = client.post(API, json=body)

    assert (answer.status_code, answer.get_json()["code"]) == (422, "validation_error")
    assert answer.get_json()["field"] == field


def test_a_model_nobody_knows_is_refused(client: FlaskClient) -> None:
    answer = client.post(API, json={"model": "yunet"})

    assert (answer.status_code, answer.get_json()["code"]) == (422, "unknown_model")
    assert client.post(API, json={"model": "ensemble"}).status_code == 201


def test_tags_that_are_nobody_s_match_nothing_and_of_several_one_has_to(
    client: FlaskClient,
) -> None:
    client.post(API, json={"id": "album"})

    for tag, status in (('"v1"', 412), ("r1", 412), ("", 412), ('"r7", "r1"', 200)):
        answer = client.patch(f"{API}/album", json={}, headers={"If-Match": tag})
        assert answer.status_code == status, tag


def test_a_deleted_collection_is_gone_with_what_was_in_it_and_can_be_made_anew(
    client: FlaskClient,
) -> None:
    client.post(API, json={"id": "album"})
    client.post(f"{API}/album/persons", json={"id": "anna"})

    deleted = client.delete(f"{API}/album")

    assert deleted.status_code == 200
    told = deleted.get_json()
    assert (told["collection_id"], told["person_id"], told["complete"]) == ("album", None, False)
    assert deleted.headers["Location"] == f"/api/v1/deletions/{told['id']}"
    assert client.get(deleted.headers["Location"]).get_json()["deleted_at"] == told["deleted_at"]
    assert client.get("/api/v1/deletions").get_json()["items"][0]["id"] == told["id"]
    assert client.get(f"{API}/album").status_code == 404
    assert client.delete(f"{API}/album").get_json()["code"] == "collection_not_found"
    client.post(API, json={"id": "album"})
    assert client.get(f"{API}/album/persons/anna").get_json()["code"] == "person_not_found"


def test_one_user_can_t_have_more_than_the_settings_allow(
    client: FlaskClient, parts: Services
) -> None:
    for _ in range(parts.settings.collections_per_user):
        assert client.post(API).status_code == 201

    answer = client.post(API)

    assert (answer.status_code, answer.get_json()["code"]) == (409, "too_many_collections")


def test_parts_of_the_list_follow_each_other(client: FlaskClient) -> None:
    names = [client.post(API, json={"id": f"album-{number}"}).get_json()["id"] for number in "312"]

    found, after = [], None
    for _ in range(3):
        query = {"limit": 1} | ({"after": after} if after else {})
        part = client.get(API, query_string=query).get_json()
        found += [one["id"] for one in part["items"]]
        after = part["next_cursor"]

    assert found == sorted(names)
    assert after is None


def test_a_cursor_of_nobody_s_is_no_fault(client: FlaskClient) -> None:
    client.post(API, json={"id": "album"})
    lists = [API, f"{API}/album/persons", f"{API}/album/audit", "/api/v1/deletions"]

    for after in ("0", "9" * 200, "x", "-1", "1-1", "col_", "a.b"):
        for address in lists:
            answer = client.get(address, query_string={"after": after})
            assert answer.status_code == 200, (address, after)


def test_the_audit_tells_who_did_what_the_latest_first(
    client: FlaskClient, parts: Services
) -> None:
    client.post(API, json={"id": "album"}, headers={"X-Request-ID": "first"})
    client.patch(f"{API}/album", json={"title": "Family"})
    client.post(f"{API}/album/persons", json={"id": "anna", "name": "Anna"})
    uid = parts.identities.collections.get("local", "album").uid
    parts.identities.forgetting.audit(uid, AuditEvent(action="identified", by="local"))

    found = client.get(f"{API}/album/audit").get_json()["items"]

    assert [one["action"] for one in found] == [
        "identified",
        "person.created",
        "collection.changed",
        "collection.created",
    ]
    assert found[1]["person_ids"] == ["anna"]
    assert (found[3]["by"], found[3]["cause"]) == ("local", "first")
    assert "Anna" not in str(found)
