"""What a test asks of batches and uploads."""

from typing import Any

from flask.testing import FlaskClient

from api.services import Services
from workers.blobs.store import MemoryBlobs

Json = dict[str, Any]


def counts(body: Json) -> tuple[int, int]:
    """Items in all, and failed ones."""
    return body["counts"]["total"], body["counts"]["failed"]


def errors(client: FlaskClient, body: Json) -> dict[str, str]:
    """Codes of failed items by id."""
    address = f"{body['links']['results']}?state=failed&limit=100"
    found = client.get(address).get_json()
    return {item["id"]: item["error"]["code"] for item in found["items"]}


def blobs(parts: Services) -> set[str]:
    """Keys of all that is stored."""
    assert isinstance(parts.blobs, MemoryBlobs)
    return set(parts.blobs.older_than(-1000))


def upload(client: FlaskClient, content: bytes, *, announced: int | None = None) -> str:
    """The id of a resumable upload that holds the content."""
    version = {"Tus-Resumable": "1.0.0"}
    length = str(announced or len(content))
    made = client.post("/api/v1/uploads", headers={**version, "Upload-Length": length})
    place = made.headers["Location"]
    headers = {**version, "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
    assert client.patch(place, headers=headers, data=content).status_code == 204
    return place.rpartition("/")[2]
