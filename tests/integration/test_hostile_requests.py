"""What strangers send to break in or to break things is refused by the real gateway, in time."""

import gzip
import hashlib
import hmac
import json
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.integration.gateway_process import Gateway, running_gateway
from tests.integration.hostile import (
    ANSWER_SECONDS,
    Watch,
    closing_code,
    exchange,
    frame,
    letters,
    memory_mib,
    token,
    zip_of,
    zip_of_many,
)

pytestmark = [pytest.mark.fleet, pytest.mark.redis]

KEY = "fs_dev_" + "d" * 32
#: Stands in what must not be in the log.
MARK = "mark-of-a-secret"
#: What a hostile request may take for a while.
GROWTH_MIB = 150

_HEAD = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n"
_LOGIN = (
    b"POST /api/v1/auth/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
)
_SECRET = f"X-API-Key: {MARK}".encode()


@pytest.fixture(scope="module")
def gateway(
    valkey_port: int,
    pick_port: Callable[[], int],
    root: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Gateway]:
    """With accounts, and with addresses that may be fetched; without workers."""
    with running_gateway(
        tmp_path_factory.mktemp("gateway"),
        root=root,
        port=pick_port(),
        redis_port=valkey_port,
        auth="required",
        development_key=KEY,
        url_inputs="public",
        limit_logins_per_minute=0,
    ) as gateway:
        yield gateway
        log = gateway.log.read_text()
        assert "Traceback" not in log
        assert not [secret for secret in (MARK, KEY) if secret in log]


@pytest.fixture
def http(gateway: Gateway) -> Iterator[httpx.Client]:
    headers = {"X-API-Key": KEY}
    with httpx.Client(base_url=gateway.url, timeout=ANSWER_SECONDS, headers=headers) as client:
        yield client
    assert gateway.is_alive()


def _refused(response: httpx.Response) -> tuple[int, str]:
    assert response.headers["Content-Type"] == "application/problem+json"
    assert MARK not in response.text
    return response.status_code, response.json()["code"]


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (_LOGIN + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (_LOGIN + b"Content-Length: 2\r\nContent-Length: 4\r\n\r\n{}xx", 400),
        (_LOGIN + b"Content-Length: +2\r\n\r\n{}", 400),
        (_LOGIN + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 501),
        (_LOGIN + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", 400),
        (_HEAD + _SECRET + b"\r\n folded\r\n\r\n", 400),
        (_HEAD + _SECRET + b"\0\r\n\r\n", 400),
        (_HEAD + _SECRET + b"\nX-Other: 1\r\n\r\n", 400),
        (b"GET /health/live HTTP/1.1\nHost: localhost\n\n", 400),
        (_HEAD + b"".join(b"X-%d: 1\r\n" % number for number in range(70)) + b"\r\n", 431),
        (_HEAD + _SECRET + b"a" * 9000 + b"\r\n\r\n", 431),
        (b"GET /" + MARK.encode() * 400 + b" HTTP/1.1\r\n\r\n", 414),
        (_HEAD + b"Expect: " + MARK.encode() + b"\r\n\r\n", 417),
        (b"\x16\x03\x01\x02\x00\x01" + b"\0" * 200 + b"\r\n\r\n", 400),
    ],
)
def test_a_head_with_two_meanings_is_a_problem_document(
    gateway: Gateway, sent: bytes, status: int
) -> None:
    head, _, body = exchange(gateway, sent).partition(b"\r\n\r\n")

    assert head.startswith(f"HTTP/1.1 {status} ".encode())
    assert b"Content-Type: application/problem+json" in head
    problem = json.loads(body)
    assert (problem["status"], problem["code"]) == (status, "invalid_request")
    assert MARK not in body.decode()


@pytest.mark.parametrize("header", ["SCRIPT_NAME: /x", "SCRIPT_NAME: /health", "PATH_INFO: /x"])
def test_nobody_moves_the_gateway_by_a_header(gateway: Gateway, header: str) -> None:
    sent = _HEAD + header.encode() + b"\r\nConnection: close\r\n\r\n"

    assert exchange(gateway, sent).startswith(b"HTTP/1.1 200 ")


def test_nobody_says_by_a_header_that_the_connection_is_safe(gateway: Gateway) -> None:
    sent = _HEAD + b"X-Forwarded-Proto: https\r\nConnection: close\r\n\r\n"

    assert b"Strict-Transport-Security" not in exchange(gateway, sent)


@pytest.mark.parametrize("size", [b"g", b"-1", b"0x2", b"1_0", b"f" * 100_000])
def test_chunks_of_no_size_are_refused(gateway: Gateway, size: bytes) -> None:
    head = _LOGIN + b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    received = exchange(gateway, head + size + b"\r\n{}\r\n0\r\n\r\n")

    assert received.startswith(b"HTTP/1.1 400 ")
    assert b'"code": "invalid_request"' in received


@pytest.mark.parametrize(
    "path", ["/api/v1/keys", "/api/v1/auth/register", "/api/v1/face/analyze", "/api/v1/webhooks"]
)
@pytest.mark.parametrize(
    "value",
    [
        b"[" * 480 + b"]" * 480,
        b'{"a":' * 480 + b"1" + b"}" * 480,
        b"[" * 50_000,
        b"NaN",
        b"9" * 50_000,
        b'"\\ud800"',
        b'"\xed\xa0\x80"',
    ],
)
def test_json_that_is_none_or_too_deep_is_refused(
    http: httpx.Client, path: str, value: bytes
) -> None:
    body = b'{"name":' + value + b"}"
    response = http.post(path, content=body, headers={"Content-Type": "application/json"})

    status, code = _refused(response)
    assert status in {400, 422}
    assert code in {"invalid_request", "missing_field", "unknown_option", "validation_error"}


def test_small_things_without_end_take_neither_memory_nor_the_others_time(
    gateway: Gateway, http: httpx.Client
) -> None:
    before = memory_mib(gateway)
    body = b'{"images":[' + b"{}," * 10_000_000 + b"{}]}"
    with Watch(gateway) as watch:
        response = http.post(
            "/api/v1/face/batch-analyze",
            content=body,
            headers={"Content-Type": "application/json"},
        )

    assert _refused(response) == (400, "invalid_request")
    assert watch.most_mib - before < GROWTH_MIB


def test_an_archive_of_folders_holds_up_nobody(gateway: Gateway, http: httpx.Client) -> None:
    folder = tarfile.TarInfo("a")
    folder.type = tarfile.DIRTYPE
    with Watch(gateway) as watch:
        response = http.post(
            "/api/v1/batch/submit",
            content=folder.tobuf() * 60_000,
            headers={"Content-Type": "application/x-tar"},
        )

    assert _refused(response) == (422, "archive_truncated")
    assert watch.longest_seconds < response.elapsed.total_seconds() / 3


@pytest.mark.parametrize(
    ("kind", "archive", "code"),
    [
        (
            "zip",
            zip_of(*((f"{number}.jpg", b"\0" * 10_000_000) for number in range(5))),
            "archive_bomb",
        ),
        ("zip", zip_of_many(), "batch_too_large"),
        ("zip", b"\xff\xd8\xff" + zip_of(("a.jpg", b"a")), "archive_damaged"),
        ("zip", b"PK\x05\x06" * 20_000, "archive_damaged"),
        ("gzip", gzip.compress(b"\0" * 50_000_000), "archive_bomb"),
        ("gzip", gzip.compress(b"") * 500_000, "archive_damaged"),
        ("x-tar", b"a" * 1024, "archive_damaged"),
    ],
)
def test_archives_that_lie_are_refused(
    http: httpx.Client, kind: str, archive: bytes, code: str
) -> None:
    headers = {"Content-Type": f"application/{kind}"}
    response = http.post("/api/v1/batch/submit", content=archive, headers=headers)

    assert _refused(response)[1] == code


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "C:\\x", "a/../b", "\u202ea"])
def test_names_that_lead_elsewhere_are_no_photos(http: httpx.Client, name: str) -> None:
    headers = {"Content-Type": "application/zip"}
    made = http.post("/api/v1/batch/submit", content=zip_of((name, b"a")), headers=headers)

    assert made.status_code == 202
    (item,) = http.get(made.json()["links"]["results"]).json()["items"]
    assert (item["id"], item["error"]["code"]) == ("entry-1", "unsafe_name")


def test_tokens_that_somebody_else_made_are_refused(gateway: Gateway) -> None:
    published = httpx.get(f"{gateway.url}/.well-known/jwks.json").json()["keys"][0]
    ours = {"typ": "at+jwt", "alg": "RS256", "kid": published["kid"]}

    def by_public_key(text: bytes) -> bytes:
        return hmac.digest(json.dumps(published).encode(), text, hashlib.sha256)

    tokens = [
        token({**ours, "alg": "none"}),
        token({**ours, "alg": "HS256"}, by_public_key),
        token({**ours, "kid": "../../dev/null"}),
        token({**ours, "kid": ["a"]}),
        token({**ours, "jwk": published}),
        token({**ours, "jku": "http://127.0.0.1/"}),
        letters(b"[" * 2500) + ".a.b",
        "a" * 4000,
    ]
    for one in tokens:
        headers = {"Authorization": f"Bearer {one}"}
        answer = httpx.get(f"{gateway.url}/api/v1/jobs", headers=headers)
        assert (one[:20], *_refused(answer)) == (one[:20], 401, "auth_invalid")


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://2130706433/",
        "http://0177.1/",
        "http://[::ffff:7f00:1]/",
        "http://[fe80::1%25lo]/",
        "http://169.254.169.254/latest/",
        "http://example.org@127.0.0.1/",
        "http://localhost/",
        "http://\u2460\u2461\u2466.\u24ea.\u24ea.\u2460/",
        "gopher://127.0.0.1:6379/_",
        "file:///etc/passwd",
        "http://[::1",
    ],
)
def test_addresses_inside_are_not_fetched(http: httpx.Client, url: str) -> None:
    response = http.post("/api/v1/face/analyze", json={"image": {"url": url}})

    assert _refused(response) == (422, "url_refused")


@pytest.mark.parametrize(
    "after", ["0-0", "%00", "9" * 30, "..%2F..", "*", "job_" + "0" * 32, "%e2%80%ae"]
)
@pytest.mark.parametrize("path", ["/api/v1/jobs", "/api/v1/batch/list", "/api/v1/admin/audit"])
def test_cursors_nobody_was_given_are_refused(http: httpx.Client, path: str, after: str) -> None:
    assert _refused(http.get(f"{path}?after={after}")) == (422, "validation_error")


@pytest.mark.parametrize(
    ("frames", "code"),
    [
        (frame(0x81, b"{}", mask=0), 1002),
        (frame(0xC1, b"{}"), 1002),
        (frame(0x83, b"x"), 1002),
        (frame(0x09, b"x"), 1002),
        (frame(0x80, b"x"), 1002),
        (frame(0x81, b"\xff\xfe"), 1007),
        (frame(0x02, b"") + frame(0x00, b"x" * 100) * 30_000, 1009),
        (frame(0x81, b"[" * 100_000), 4400),
        (frame(0x81, b"[" + b"{}," * 600_000 + b"{}]"), 4400),
    ],
)
def test_frames_that_break_the_rules_end_the_connection(
    gateway: Gateway, frames: bytes, code: int
) -> None:
    assert closing_code(gateway, KEY, frames) == code
