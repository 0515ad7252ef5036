"""What an operator reads: devices and health."""

from flask.testing import FlaskClient

from api.services import Services
from vram.ledger import Device, Resident


def test_the_vram_answer_shows_every_device_with_its_residents(
    client: FlaskClient, parts: Services
) -> None:
    device = Device(
        id="host/sim:700",
        kind="simulated",
        name="simulated device",
        total_bytes=700,
        reserved_bytes=100,
        incarnation=parts.ledger.next_incarnation(),
        host="host",
    )
    parts.ledger.register(device)
    parts.ledger.admit(
        device.id,
        device.incarnation,
        Resident(model="yunet", vram_bytes=250, basis="weights_file"),
    )

    [body] = client.get("/api/v1/system/vram").get_json()["devices"]

    assert body["kind"] == "simulated"
    assert body["alive"] is True
    assert (body["usable_bytes"], body["used_bytes"], body["free_bytes"]) == (600, 250, 350)
    assert body["residents"] == [{"model": "yunet", "vram_bytes": 250, "basis": "weights_file"}]


def test_without_a_device_the_list_is_empty(client: FlaskClient) -> None:
    assert client.get("/api/v1/system/vram").get_json() == {"devices": []}


def test_ready_says_how_many_jobs_wait(client: FlaskClient) -> None:
    for url in ("/health/ready", "/api/v1/system/health"):
        assert client.get(url).get_json() == {"status": "ok", "waiting_jobs": 0}
