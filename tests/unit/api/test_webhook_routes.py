"""/api/v1/webhooks, over parts in memory."""

import pytest
from flask.testing import FlaskClient

from api.services import Services

URL = "https://receiver.example/hook"


def _create(client: FlaskClient, **members: object) -> dict[str, object]:
    response = client.post("/api/v1/webhooks", json={"url": URL, **members})
    assert response.status_code == 201
    body: dict[str, object] = response.json or {}
    assert response.headers["Location"] == f"/api/v1/webhooks/{body['id']}"
    return body


def test_a_secret_is_told_once(client: FlaskClient) -> None:
    made = _create(client)

    read = client.get(f"/api/v1/webhooks/{made['id']}").json or {}

    assert str(made["secret"]).startswith("whsec_")
    assert "secret" not in read
    assert read == {name: value for name, value in made.items() if name != "secret"}
    assert [one["id"] for one in (client.get("/api/v1/webhooks").json or {})["items"]] == [
        made["id"]
    ]


def test_the_store_holds_no_secret_in_the_clear(client: FlaskClient, parts: Services) -> None:
    made = _create(client)

    webhook = parts.webhooks.store.find(str(made["id"]), "local")

    assert webhook is not None
    assert str(made["secret"]) not in webhook.secrets[0]
    assert parts.webhooks.unseal(webhook.secrets[0]) == made["secret"]


def test_a_rotation_makes_another_secret_and_the_former_one_signs_on(
    client: FlaskClient, parts: Services
) -> None:
    made = _create(client)

    rotated = client.post(f"/api/v1/webhooks/{made['id']}/rotate-secret").json or {}
    client.post(f"/api/v1/webhooks/{made['id']}/rotate-secret")

    webhook = parts.webhooks.store.find(str(made["id"]), "local")
    assert webhook is not None
    opened = [parts.webhooks.unseal(sealed) for sealed in webhook.secrets]
    assert len(opened) == 2
    assert opened[1] == rotated["secret"] != made["secret"]


@pytest.mark.parametrize(
    "url",
    [
        "http://receiver.example/hook",
        "https://user:password@receiver.example/",
        "https://127.0.0.1/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "ftp://receiver.example/",
        "https://",
    ],
)
def test_addresses_that_are_never_called_are_refused(client: FlaskClient, url: str) -> None:
    response = client.post("/api/v1/webhooks", json={"url": url})

    assert response.status_code == 422
    assert (response.json or {})["code"] in {"url_refused", "validation_error"}


def test_a_webhook_is_changed_paused_and_deleted(client: FlaskClient) -> None:
    address = f"/api/v1/webhooks/{_create(client)['id']}"

    changed = client.patch(address, json={"events": ["batch.failed"], "enabled": False}).json or {}

    assert changed["events"] == ["batch.failed"]
    assert (changed["enabled"], changed["disabled_reason"]) == (False, "paused")
    assert (client.patch(address, json={"enabled": True}).json or {})["enabled"] is True
    assert client.delete(address).status_code == 204
    for gone in (client.get(address), client.delete(address), client.patch(address, json={})):
        assert gone.status_code == 404
        assert (gone.json or {})["code"] == "webhook_not_found"


def test_a_test_event_is_in_the_log_and_can_be_sent_again(client: FlaskClient) -> None:
    made = _create(client)

    sent = client.post(f"/api/v1/webhooks/{made['id']}/test").json or {}

    [logged] = (client.get("/api/v1/webhooks/deliveries").json or {})["items"]
    assert logged["id"] == sent["delivery_id"]
    assert (logged["type"], logged["state"], logged["attempt"]) == ("webhook.test", "pending", 0)
    again = client.post(f"/api/v1/webhooks/deliveries/{sent['delivery_id']}/redeliver")
    assert again.status_code == 202
    unknown = client.post("/api/v1/webhooks/deliveries/none/redeliver")
    assert (unknown.status_code, (unknown.json or {})["code"]) == (404, "delivery_not_found")


def test_the_secret_of_requests_stays_the_same(client: FlaskClient) -> None:
    first = client.get("/api/v1/webhooks/secret").json

    assert first == client.get("/api/v1/webhooks/secret").json


def test_an_account_has_a_limited_number(client: FlaskClient) -> None:
    for _ in range(20):
        _create(client)

    refused = client.post("/api/v1/webhooks", json={"url": URL})

    assert refused.status_code == 409
    assert (refused.json or {})["code"] == "too_many_webhooks"
