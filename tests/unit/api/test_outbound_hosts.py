"""Hosts that send too much, too slowly, something else, or are not who they say."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from api.outbound.errors import UrlTooLarge, UrlUnreachable
from api.outbound.guard import Outbound
from api.outbound.resolving import resolve_host
from api.outbound.targets import policy_of
from tests.unit.api.odd_hosts import (
    DRIP_SECONDS,
    HERE,
    Host,
    Names,
    Script,
    answers,
    drips,
    fetched,
    outbound,
    redirects,
    sends,
)


@pytest.fixture
def host() -> Iterator[Callable[..., Host]]:
    hosts: list[Host] = []

    def _host(*scripts: Script, first_read: bool = True) -> Host:
        hosts.append(Host(scripts, first_read=first_read))
        return hosts[-1]

    yield _host
    for one in hosts:
        one.close()


@pytest.mark.parametrize(
    "script",
    [
        answers(b"", b"Content-Length: 2000"),
        answers(b"x" * 2000),
        answers(b"x" * 2000, b"Content-Length: 500000000000000"),
        answers(b"7d0\r\n" + b"x" * 2000 + b"\r\n0\r\n\r\n", b"Transfer-Encoding: chunked"),
    ],
)
def test_a_file_that_is_too_large_ends_the_transfer(
    host: Callable[..., Host], script: Script
) -> None:
    here = host(script)
    guard = outbound(here, Names(files_test=[[HERE]]))

    with pytest.raises(UrlTooLarge, match="1000 bytes"):
        fetched(guard, f"http://files.test:{here.port}/")


@pytest.mark.parametrize(
    "script",
    [
        drips(b"H"),
        drips(b"X: y\r\n", after=b"HTTP/1.1 200 OK\r\n"),
        drips(b"x", after=b"HTTP/1.1 200 OK\r\n\r\n"),
        drips(b""),
    ],
)
def test_a_host_that_drips_or_says_nothing_ends_in_time(
    host: Callable[..., Host], script: Script
) -> None:
    here = host(script)
    guard = outbound(here, Names(files_test=[[HERE]]))
    started = time.monotonic()

    with pytest.raises(UrlUnreachable):
        fetched(guard, f"http://files.test:{here.port}/", max_bytes=100_000, seconds=0.4)

    assert time.monotonic() - started < DRIP_SECONDS / 2


def test_a_handshake_that_drips_ends_in_time(host: Callable[..., Host]) -> None:
    here = host(drips(b"\x02", after=b"\x16\x03\x03\x3f\x00"))
    guard = outbound(here, Names(files_test=[[HERE]]))
    started = time.monotonic()

    with pytest.raises(UrlUnreachable):
        fetched(guard, f"https://files.test:{here.port}/", seconds=0.4)

    assert time.monotonic() - started < DRIP_SECONDS / 2


@pytest.mark.parametrize(
    "script",
    [
        answers(b"", status=b"404 Not Found"),
        answers(b"", status=b"204 No Content"),
        answers(b"x", b"Content-Encoding: gzip"),
        answers(b"x", b"Content-Length: 5"),
        sends(b"\x00\x01 this is not HTTP\r\n\r\n"),
        sends(b"HTTP/1.1 200 OK\r\n", b"X: " + b"y" * 200_000),
        redirects(""),
    ],
)
def test_an_answer_that_is_no_file_is_told_so(host: Callable[..., Host], script: Script) -> None:
    here = host(*[script] * 4)
    guard = outbound(here, Names(files_test=[[HERE]]))

    with pytest.raises(UrlUnreachable):
        fetched(guard, f"http://files.test:{here.port}/")


def test_a_host_that_is_not_who_it_says_is_not_believed(host: Callable[..., Host]) -> None:
    here = host(answers(b"plain text where TLS was expected"))
    guard = outbound(here, Names(files_test=[[HERE]]))

    with pytest.raises(UrlUnreachable):
        fetched(guard, f"https://files.test:{here.port}/")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate of files.test, by itself, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "files.test")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("files.test")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "host.pem"
    path.write_bytes(
        made.public_bytes(Encoding.PEM)
        + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    return path


def test_over_tls_the_host_must_be_the_one_that_was_named(
    host: Callable[..., Host], certificate: Path
) -> None:
    """The connection goes to an address; the certificate is held against the name."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate)
    trusting = ssl.create_default_context(cafile=str(certificate))

    def secured(client: socket.socket) -> None:
        with server.wrap_socket(client, server_side=True) as tls:
            tls.recv(65536)
            answers(b"secret")(tls)

    here = host(*[secured] * 3, first_read=False)
    names = Names(files_test=[[HERE]], evil_test=[[HERE]])
    hosts = [f"{name}:{here.port}" for name in ("files.test", "evil.test")]
    policy = policy_of("public", hosts, [f"{HERE}/32"])

    good = Outbound(policy, resolve=names, ssl_context=trusting)
    assert fetched(good, f"https://files.test:{here.port}/") == b"secret"
    with pytest.raises(UrlUnreachable):
        fetched(good, f"https://evil.test:{here.port}/")
    with pytest.raises(UrlUnreachable):
        fetched(Outbound(policy, resolve=names), f"https://files.test:{here.port}/")


def test_a_resolver_that_hangs_costs_no_more_than_the_request_s_time() -> None:
    over = threading.Event()

    def hang(*_: object, **__: object) -> list[tuple[object, ...]]:
        over.wait(DRIP_SECONDS)
        return []

    started = time.monotonic()
    with pytest.raises(UrlUnreachable, match="not found in time"):
        resolve_host("slow.test", 80, 0.1, ask=hang)
    over.set()

    assert time.monotonic() - started < DRIP_SECONDS / 2
