"""Photos and videos that are named by URL."""

import dataclasses
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from flask.testing import FlaskClient

from api.app import create_app
from api.outbound.guard import Outbound
from api.outbound.targets import OutboundPolicy, policy_of
from api.services import Services
from workers.settings.process import Settings

API = "/api/v1"
MP4 = b"\0\0\0\x18ftypmp42" + bytes(500)


@pytest.fixture
def settings() -> Settings:
    return Settings(auth="off")


class _Files(BaseHTTPRequestHandler):
    content = b""

    def do_GET(self) -> None:
        self.send_response(200 if self.path != "/missing" else 404)
        self.end_headers()
        self.wfile.write(self.content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def site(photo: Callable[..., bytes]) -> Iterator[str]:
    """A web site on loopback with one photo."""
    _Files.content = photo(size=(40, 30))
    server = HTTPServer(("127.0.0.1", 0), _Files)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://photos.test:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def fetching(parts: Services, site: str) -> FlaskClient:
    """A gateway that may fetch from that site."""
    hosts, networks = [site.removeprefix("http://")], ["127.0.0.1/32"]
    policy: OutboundPolicy = policy_of("allow_list", hosts, networks)
    outbound = Outbound(policy, resolve=lambda *_: ["127.0.0.1"])
    return create_app(dataclasses.replace(parts, outbound=outbound)).test_client()


def test_photos_may_be_named_by_url_where_that_is_allowed(
    fetching: FlaskClient, parts: Services, photo: Callable[..., bytes], site: str
) -> None:
    fetched = photo(size=(40, 30))
    table: list[tuple[str, dict[str, object]]] = [
        ("face/analyze", {"image_url": site}),
        ("face/analyze", {"image": {"url": f"{site}/a.jpg"}}),
        ("face/verify", {"image1": {"url": site}, "target_url": site}),
        ("face/liveness", {"image_urls": [site, site]}),
        ("face/liveness", {"images": [{"url": site}, {"url": site}]}),
    ]
    for path, body in table:
        response = fetching.post(f"{API}/{path}", json=body)

        assert response.status_code == 202, response.get_json()
        job = parts.jobs.get(response.get_json()["id"])
        assert {parts.blobs.get(key) for key in job.blob_keys} == {fetched}
    form = fetching.post(
        f"{API}/face/analyze", data={"image_url": site}, content_type="multipart/form-data"
    )
    assert form.status_code == 202


def test_a_url_that_gives_no_photo_is_told_by_its_place(
    fetching: FlaskClient, parts: Services, site: str
) -> None:
    missing = fetching.post(f"{API}/face/analyze", json={"image_url": f"{site}/missing"})
    no_photo = fetching.post(f"{API}/face/analyze-video", json={"video": {"url": site}})
    elsewhere = fetching.post(f"{API}/face/analyze", json={"image_url": "http://b.test/"})

    assert (missing.status_code, missing.get_json()["code"]) == (422, "url_unreachable")
    assert missing.get_json()["retryable"] is True
    assert missing.get_json()["field"] == "image_url"
    assert (no_photo.status_code, no_photo.get_json()["code"]) == (415, "invalid_video_format")
    assert no_photo.get_json()["field"] == "video.url"
    assert (elsewhere.status_code, elsewhere.get_json()["code"]) == (422, "url_refused")
    assert parts.jobs.waiting() == 0
