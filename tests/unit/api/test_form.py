"""What every answer has in common: headers, compression, origins, the log, strict parameters."""

import gzip
from collections.abc import Callable

import pytest
import redis
import structlog
from flask import Flask, Response
from flask.testing import FlaskClient

from api.app import create_app
from api.client_address import address_group, client_address
from api.compression import compress
from api.endpoint import Endpoint, endpoint
from api.testing import memory_parts
from workers.errors import SettingsError
from workers.settings.process import Settings, load_settings

ORIGIN = "https://app.example.org"
Made = Callable[..., Flask]


@pytest.fixture
def made(fake_redis: redis.Redis) -> Made:
    """An app with settings of one's choice."""

    def _made(**values: str | bool) -> Flask:
        return create_app(
            memory_parts(Settings.model_validate({"auth": "off", **values}), fake_redis)
        )

    return _made


def test_every_answer_has_the_same_headers(client: FlaskClient) -> None:
    for address in ("/health/live", "/api/v1/jobs", "/nowhere"):
        headers = client.get(address).headers

        assert headers["X-Request-ID"].startswith("req_")
        assert headers["X-API-Version"] == "v1"
        assert float(headers["X-Processing-Time"]) >= 0
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert "Strict-Transport-Security" not in headers


def test_only_a_trusted_proxy_says_that_a_request_came_over_tls(made: Made) -> None:
    told = {"X-Forwarded-Proto": "https"}
    trusting = made(trusted_proxies="127.0.0.1").test_client()

    assert "Strict-Transport-Security" not in made().test_client().get("/", headers=told).headers
    assert trusting.get("/", headers=told).headers["Strict-Transport-Security"].startswith("max-")


@pytest.mark.parametrize(
    ("trusted", "told", "address"),
    [
        ("", "198.51.100.1", "127.0.0.1"),
        ("127.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("127.0.0.1", "203.0.113.9, 198.51.100.1", "198.51.100.1"),
        ("127.0.0.0/8,198.51.100.0/24", "203.0.113.9, 198.51.100.1", "203.0.113.9"),
        ("127.0.0.1", "nonsense", "127.0.0.1"),
        ("127.0.0.1", "[2001:db8::1]:443", "2001:db8::1"),
        ("127.0.0.1", "", "127.0.0.1"),
    ],
)
def test_the_client_is_the_nearest_address_that_is_no_trusted_proxy(
    made: Made, trusted: str, told: str, address: str
) -> None:
    app = made(trusted_proxies=trusted)
    environment = {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": told}

    with app.test_request_context("/", environ_base=environment):
        assert client_address() == address


def test_addresses_of_one_network_are_counted_as_one() -> None:
    assert address_group("192.0.2.1") == "192.0.2.1"
    assert address_group("2001:db8::1") == address_group("2001:db8::ffff") == "2001:db8::/64"


def test_an_allowed_origin_may_call_and_read(made: Made) -> None:
    client = made(cors_origins=ORIGIN).test_client()

    answer = client.get("/api/v1/jobs", headers={"Origin": ORIGIN})
    preflight = client.options(
        "/api/v1/jobs", headers={"Origin": ORIGIN, "Access-Control-Request-Method": "GET"}
    )

    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert "X-Request-ID" in answer.headers["Access-Control-Expose-Headers"]
    assert "Access-Control-Allow-Credentials" not in answer.headers
    assert preflight.status_code == 204
    assert preflight.headers["Access-Control-Allow-Methods"] == "GET, HEAD, OPTIONS"
    assert "Idempotency-Key" in preflight.headers["Access-Control-Allow-Headers"]
    assert preflight.headers["Access-Control-Max-Age"] == "600"
    assert "Origin" in preflight.headers["Vary"]


@pytest.mark.parametrize("origin", ["https://app.example.org.evil.test", "null", "*"])
def test_any_other_origin_may_not(made: Made, origin: str) -> None:
    client = made(cors_origins=ORIGIN).test_client()

    answer = client.get("/api/v1/jobs", headers={"Origin": origin})
    preflight = client.options(
        "/api/v1/jobs", headers={"Origin": origin, "Access-Control-Request-Method": "GET"}
    )

    assert "Access-Control-Allow-Origin" not in answer.headers
    assert "Access-Control-Allow-Methods" not in preflight.headers


def test_an_origin_that_is_none_is_refused_at_the_start() -> None:
    with pytest.raises(SettingsError, match="CORS_ORIGINS"):
        load_settings({"FACESOCIAL_CORS_ORIGINS": "*"})


def test_large_json_is_compressed_for_who_takes_it(client: FlaskClient) -> None:
    plain = client.get("/openapi.json")
    packed = client.get("/openapi.json", headers={"Accept-Encoding": "gzip"})

    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in plain.headers["Vary"]
    assert gzip.decompress(packed.data) == plain.data
    assert int(packed.headers["Content-Length"]) * 4 < len(plain.data)
    assert packed.headers["ETag"] == f"W/{plain.headers['ETag']}"


@pytest.mark.parametrize("refusal", ["", "identity", "gzip;q=0"])
def test_who_does_not_take_it_gets_it_plain(client: FlaskClient, refusal: str) -> None:
    response = client.get("/openapi.json", headers={"Accept-Encoding": refusal})

    assert "Content-Encoding" not in response.headers


def test_small_answers_streams_and_accounts_are_sent_as_they_are(made: Made) -> None:
    app = made()
    secret = endpoint(Endpoint(tag="accounts"))(lambda: "x" * 9999)
    app.add_url_rule("/secret", "secret", secret)
    asked = {"Accept-Encoding": "gzip"}
    with app.test_request_context("/secret", headers=asked):
        account = compress(Response("x" * 9999, mimetype="text/plain"))
    with app.test_request_context("/health/live", headers=asked):
        small = compress(Response("x" * 100, mimetype="text/plain"))
        stream = compress(Response((part for part in ["x" * 9999]), mimetype="text/plain"))
        picture = compress(Response("x" * 9999, mimetype="image/png"))
        large = compress(Response("x" * 9999, mimetype="text/plain"))

    assert [one.content_encoding for one in (account, small, stream, picture)] == [None] * 4
    assert large.content_encoding == "gzip"


def test_a_request_is_logged_by_its_route_and_without_what_was_in_it(client: FlaskClient) -> None:
    with structlog.testing.capture_logs() as logs:
        job = f"job_{'0' * 32}"
        client.get(f"/api/v1/jobs/{job}?wait=0", headers={"X-Request-ID": "mine"}).close()

    [entry] = [log for log in logs if log["event"] == "http.request"]
    assert entry["route"] == "/api/v1/jobs/<job_id>"
    assert (entry["method"], entry["status"], entry["credential"]) == ("GET", 404, "open")
    assert entry["request_id"] == "mine"
    assert entry["sent_bytes"] > 100
    assert entry["ms"] >= 0
    assert job not in str(entry)


def test_a_stream_is_logged_once_it_has_ended(made: Made) -> None:
    app = made()
    view = endpoint(Endpoint(tag="system", bucket="free"))(
        lambda: Response(part for part in (b"one", b"two"))
    )
    app.add_url_rule("/stream", "stream", view)

    with structlog.testing.capture_logs() as logs:
        response = app.test_client().get("/stream", buffered=False)
        before = len([log for log in logs if log["event"] == "http.request"])
        content = response.data
        response.close()

    [entry] = [log for log in logs if log["event"] == "http.request"]
    assert (before, content, entry["sent_bytes"]) == (0, b"onetwo", 6)


def test_the_log_can_be_switched_off(made: Made) -> None:
    with structlog.testing.capture_logs() as logs:
        made(access_log=False).test_client().get("/health/live").close()

    assert [log for log in logs if log["event"] == "http.request"] == []


@pytest.mark.parametrize(
    ("query", "code", "field"),
    [
        ("nonsense=1", "unknown_option", "nonsense"),
        ("limit=1&limit=2", "validation_error", "limit"),
        ("limit=0", "validation_error", "limit"),
        ("limit=many", "validation_error", "limit"),
    ],
)
def test_parameters_are_known_and_right_and_come_once(
    client: FlaskClient, query: str, code: str, field: str
) -> None:
    response = client.get(f"/api/v1/system/events?{query}")

    assert (response.status_code, response.get_json()["code"]) == (422, code)
    assert response.get_json()["field"] == field


def test_probes_may_add_parameters_of_their_own(client: FlaskClient) -> None:
    assert client.get("/health/live?cachebust=1").status_code == 200


def test_other_methods_are_refused_with_those_that_are_taken(client: FlaskClient) -> None:
    response = client.patch("/health/live")
    head = client.head("/health/live")

    assert response.status_code == 405
    assert set(response.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS"}
    assert response.get_json()["type"] == "urn:facesocial:problem:method_not_allowed"
    assert (head.status_code, head.data) == (200, b"")


def test_two_slashes_are_another_address(client: FlaskClient) -> None:
    response = client.get("//health//live")

    assert (response.status_code, response.get_json()["code"]) == (404, "not_found")
