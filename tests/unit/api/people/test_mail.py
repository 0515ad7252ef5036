"""Mails: what they say, how they leave, and what happens when they can't."""

import email
import email.policy
import io
import smtplib
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
import structlog
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from api.accounts import mail_texts
from api.accounts.mail import MOST_WAITING, ConsoleMail, Mail, MemoryMail, Postbox, SmtpMail
from api.accounts.opening import open_mail
from api.accounts.users import User
from workers.settings.process import Settings

MAIL = Mail(to="ada@example.com", subject="Reset your password", text="Your token: t0k3n")
ADA = User(id="user_1", email="ada@example.com", password="", role="user", name="</a> Ada\r\nBcc:")


class SmtpServer(socketserver.StreamRequestHandler):
    """As much of RFC 5321 as one mail takes."""

    received: list[bytes]
    refuse = False
    #: Of the server; None: it knows no encryption.
    tls: ssl.SSLContext | None = None

    def handle(self) -> None:
        self.wfile.write(b"220 here\r\n")
        self.handle_lines()

    def handle_lines(self) -> None:
        for line in self.rfile:
            word = line.split()[0].upper()
            if word == b"DATA":
                self.wfile.write(b"354 go\r\n")
                content = b"".join(iter(self.rfile.readline, b".\r\n"))
                self.received.append(content)
            if word == b"EHLO" and self.tls:
                self.wfile.write(b"250-here\r\n250 STARTTLS\r\n")
                continue
            if word == b"STARTTLS" and self.tls:
                self._encrypt(self.tls)
                return
            if word == b"RCPT" and self.refuse:
                self.wfile.write(b"550 ada@example.com is nobody\r\n")
                continue
            self.wfile.write(b"221 bye\r\n" if word == b"QUIT" else b"250 fine\r\n")
            if word == b"QUIT":
                return

    def _encrypt(self, tls: ssl.SSLContext) -> None:
        self.wfile.write(b"220 go\r\n")
        try:
            self.request = tls.wrap_socket(self.request, server_side=True)
        except ssl.SSLError:
            return  # the client does not believe us
        self.tls = None
        self.setup()
        with suppress(OSError):
            self.handle_lines()
        self.finish()
        self.request.close()


@pytest.fixture
def server() -> Iterator[tuple[int, type[SmtpServer]]]:
    """A mail server on loopback: its port, and what it does and has seen."""
    handler = type("Handler", (SmtpServer,), {"received": []})
    with socketserver.TCPServer(("127.0.0.1", 0), handler) as listening:
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield listening.server_address[1], handler
        listening.shutdown()
        thread.join()


def smtp(port: int) -> SmtpMail:
    return SmtpMail(
        host="127.0.0.1", port=port, security="none", sender="FaceSocial <fs@example.com>"
    )


def test_a_mail_arrives_at_the_mail_server(server: tuple[int, type[SmtpServer]]) -> None:
    port, handler = server

    smtp(port).send(MAIL)

    (content,) = handler.received
    message = email.message_from_bytes(content, policy=email.policy.default)
    assert (message["From"], message["To"]) == ("FaceSocial <fs@example.com>", "ada@example.com")
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Date"]
    assert "t0k3n" in message.get_content()


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Of a mail server on loopback that vouches for itself, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    file = tmp_path / "server.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    file.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return file


def test_a_mail_goes_encrypted_to_a_server_that_is_believed(
    server: tuple[int, type[SmtpServer]], certificate: Path
) -> None:
    port, handler = server
    handler.tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    handler.tls.load_cert_chain(certificate)
    way = replace(smtp(port), security="starttls")

    with pytest.raises(ssl.SSLCertVerificationError):
        way.send(MAIL)
    assert handler.received == []

    trusting = ssl.create_default_context(cafile=str(certificate))
    replace(way, tls=trusting).send(MAIL)
    assert b"t0k3n" in handler.received[0]


def test_a_mail_never_goes_in_clear_where_it_should_be_encrypted(
    server: tuple[int, type[SmtpServer]],
) -> None:
    port, handler = server

    with pytest.raises(smtplib.SMTPNotSupportedError):
        replace(smtp(port), security="starttls").send(MAIL)

    assert handler.received == []


def test_a_mail_that_is_refused_is_logged_without_its_address(
    server: tuple[int, type[SmtpServer]],
) -> None:
    port, handler = server
    handler.refuse = True
    postbox = Postbox(smtp(port), start=lambda call: call())

    with structlog.testing.capture_logs() as logs:
        postbox.post(Mail(to=MAIL.to, subject="s", text="Your token: t0k3n", user_id="user_1"))

    assert [(log["event"], log["user_id"]) for log in logs] == [("mail.failed", "user_1")]
    assert "ada@" not in str(logs)
    assert "t0k3n" not in str(logs)


def test_a_mail_server_that_is_away_does_not_stop_the_next_mail(
    server: tuple[int, type[SmtpServer]],
) -> None:
    port, handler = server
    handler.refuse = True
    postbox = Postbox(smtp(port), start=lambda call: call())
    postbox.post(MAIL)
    handler.refuse = False

    postbox.post(MAIL)

    assert len(handler.received) == 1


def test_mails_are_sent_behind_whoever_posts_them() -> None:
    sent, gate = threading.Event(), threading.Event()

    class Slow:
        def send(self, mail: Mail) -> None:
            gate.wait(timeout=60)
            assert mail == MAIL
            sent.set()

    Postbox(Slow()).post(MAIL)

    assert not sent.is_set()
    gate.set()
    assert sent.wait(timeout=60)


def test_mails_that_wait_are_bounded() -> None:
    started: list[Callable[[], None]] = []
    postbox = Postbox(MemoryMail(), start=started.append)

    with structlog.testing.capture_logs() as logs:
        for _ in range(MOST_WAITING + 2):
            postbox.post(MAIL)

    assert len(started) == 1
    assert [log["event"] for log in logs] == ["mail.dropped"] * 2


def test_all_mails_that_wait_are_sent_in_order() -> None:
    started: list[Callable[[], None]] = []
    way = MemoryMail()
    postbox = Postbox(way, start=started.append)
    for number in range(3):
        postbox.post(Mail(to="a@b.c", subject=str(number), text=""))

    started[0]()
    postbox.post(Mail(to="a@b.c", subject="3", text=""))
    started[1]()

    assert [mail.subject for mail in way.sent] == ["0", "1", "2", "3"]


def test_the_console_shows_the_token() -> None:
    stream = io.StringIO()

    ConsoleMail(stream).send(MAIL)

    assert "To: ada@example.com" in stream.getvalue()
    assert "t0k3n" in stream.getvalue()


def test_a_mail_shows_none_of_its_contents_in_a_log() -> None:
    assert "ada@" not in repr(MAIL)
    assert "t0k3n" not in repr(MAIL)


@pytest.mark.parametrize(
    "mail",
    [
        mail_texts.known_address(ADA, link_base=""),
        mail_texts.reset(ADA, "t0k3n", link_base="", hours=1),
        mail_texts.password_changed(ADA),
    ],
)
def test_nothing_a_person_typed_stands_in_a_mail(mail: Mail) -> None:
    assert "Bcc" not in mail.text + mail.subject
    assert mail.to == ADA.email


def test_the_settings_say_how_mail_leaves() -> None:
    assert open_mail(Settings()) is None
    assert isinstance(open_mail(Settings(mail_sender="console")), ConsoleMail)
    way = open_mail(Settings(mail_sender="smtp", smtp_host="mail.example.com", smtp_port=25))
    assert isinstance(way, SmtpMail)
    assert (way.host, way.port, way.security) == ("mail.example.com", 25, "starttls")
