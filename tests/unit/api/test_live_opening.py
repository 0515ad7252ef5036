"""Who may open a connection; what happens on one is tested with the real server."""

import socket

import pytest
from flask.testing import FlaskClient

from api.deadline_socket import DeadlineSocket
from api.principal import LOCAL
from api.services import Services

PATHS = ["/ws/face-analysis", "/ws/realtime", "/ws/notifications", "/ws/system-status"]
UPGRADE = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


@pytest.mark.parametrize("path", PATHS)
def test_a_plain_request_is_told_to_upgrade(client: FlaskClient, path: str) -> None:
    answer = client.get(path)

    assert (answer.status_code, answer.get_json()["code"]) == (426, "upgrade_required")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-WebSocket-Version": "8"}, 426),
        ({"Sec-WebSocket-Key": "short"}, 400),
        ({"Sec-WebSocket-Key": "%%%"}, 400),
        ({"Connection": "close"}, 426),
        ({}, 426),  # the test client's server holds no connections
    ],
)
def test_a_handshake_that_is_wrong_is_refused(
    client: FlaskClient, headers: dict[str, str], status: int
) -> None:
    answer = client.get("/ws/face-analysis", headers={**UPGRADE, **headers})

    assert answer.status_code == status


def test_a_page_of_another_origin_is_refused(client: FlaskClient) -> None:
    headers = {**UPGRADE, "Origin": "https://elsewhere.example"}

    answer = client.get("/ws/face-analysis", headers=headers)

    assert (answer.status_code, answer.get_json()["code"]) == (403, "origin_forbidden")


def test_a_page_of_our_own_is_not_refused_for_its_origin(client: FlaskClient) -> None:
    headers = {**UPGRADE, "Origin": "http://localhost"}

    assert client.get("/ws/face-analysis", headers=headers).status_code == 426


def test_a_client_that_has_gone_before_the_answer_keeps_no_place(
    client: FlaskClient, parts: Services
) -> None:
    ours, theirs = socket.socketpair()
    with DeadlineSocket(ours, request_seconds=1) as connection:
        theirs.close()

        with pytest.raises(BrokenPipeError):
            client.get(
                "/ws/system-status",
                headers=UPGRADE,
                environ_overrides={"gunicorn.socket": connection},
            )

    # As many as there are.
    assert [parts.wait_slots.acquire(blocking=False) for _ in range(3)] == [True, True, False]


def test_a_ticket_stands_for_whoever_asked(client: FlaskClient, parts: Services) -> None:
    answer = client.post("/api/v1/live/tickets")

    assert answer.status_code == 201
    body = answer.get_json()
    assert body["expires_in_seconds"] == 30
    found = parts.live.tickets.redeem(body["ticket"])
    assert found is not None
    assert (found.user_id, found.scopes) == (LOCAL.user_id, LOCAL.scopes)
