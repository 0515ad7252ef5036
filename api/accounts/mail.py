"""Mails with tokens: what they say, and how they leave."""

import smtplib
import ssl
import sys
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import Literal, Protocol, TextIO

import structlog

#: For each step of a conversation with the mail server.
SMTP_SECONDS = 15.0
#: Mails that may wait; beyond, new ones are dropped: whoever waits for one asks again.
MOST_WAITING = 1000

Security = Literal["starttls", "tls", "none"]

_log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True, slots=True)
class Mail:
    """One mail to one person. It may hold a token: never log it."""

    to: str = field(repr=False)
    subject: str
    text: str = field(repr=False)
    #: Whose, for logs; "" for nobody's yet.
    user_id: str = ""


class MailSender(Protocol):
    """A way out for mails."""

    def send(self, mail: Mail) -> None:
        """Hand a mail over. Returns when the next server has it.

        Raises:
            OSError: it was not taken (smtplib's errors are among them).
        """
        ...


class ConsoleMail:
    """Writes mails to a stream: for development."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream

    def send(self, mail: Mail) -> None:
        """See MailSender."""
        stream = self._stream or sys.stdout
        stream.write(f"--- mail\nTo: {mail.to}\nSubject: {mail.subject}\n\n{mail.text}\n---\n")
        stream.flush()


class MemoryMail:
    """Keeps mails: for tests."""

    def __init__(self) -> None:
        self.sent: list[Mail] = []

    def send(self, mail: Mail) -> None:
        """See MailSender."""
        self.sent.append(mail)


@dataclass(frozen=True, kw_only=True, slots=True)
class SmtpMail:
    """Hands mails to a mail server, each over a connection of its own."""

    host: str
    port: int
    security: Security
    sender: str
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    #: Of the server; the system's by default.
    tls: ssl.SSLContext | None = None

    def send(self, mail: Mail) -> None:
        """See MailSender."""
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = self.sender, mail.to, mail.subject
        message["Date"], message["Message-ID"] = formatdate(), make_msgid(domain="facesocial")
        # Out-of-office answers help nobody (RFC 3834).
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(mail.text)
        tls = self.tls or ssl.create_default_context()
        with self._connect(tls) as server:
            if self.security == "starttls":
                server.starttls(context=tls)
            if self.user is not None:
                server.login(self.user, self.password or "")
            server.send_message(message)

    def _connect(self, tls: ssl.SSLContext) -> smtplib.SMTP:
        if self.security == "tls":
            return smtplib.SMTP_SSL(self.host, self.port, timeout=SMTP_SECONDS, context=tls)
        return smtplib.SMTP(self.host, self.port, timeout=SMTP_SECONDS)


class Postbox:
    """Sends mails behind the requests that ask for them.

    A request must not take longer because there is a mail to send: its duration would tell whether
    an address is known. Mails that wait are lost with the process; their token can be asked for
    again.

    Args:
        sender: The way out; None: mail is off.
        start: Runs a function beside this one; a thread by default.
    """

    def __init__(
        self,
        sender: MailSender | None,
        *,
        start: Callable[[Callable[[], None]], None] | None = None,
    ) -> None:
        self._sender = sender
        self._start = start or _in_thread
        self._lock = threading.Lock()
        self._waiting: deque[Mail] = deque()
        self._is_sending = False

    @property
    def is_open(self) -> bool:
        """Whether mail can be sent at all."""
        return self._sender is not None

    def post(self, mail: Mail) -> None:
        """Send a mail as soon as those before it are gone."""
        with self._lock:
            if len(self._waiting) >= MOST_WAITING:
                _log.error("mail.dropped", user_id=mail.user_id)
                return
            self._waiting.append(mail)
            is_first, self._is_sending = not self._is_sending, True
        if is_first:
            self._start(self._send_all)

    def post_if_open(self, mail: Mail) -> None:
        """Send a mail that is a courtesy: none where no mail is sent."""
        if self.is_open:
            self.post(mail)

    def _send_all(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._is_sending = False
                    return
                mail = self._waiting.popleft()
            self._send(mail)

    def _send(self, mail: Mail) -> None:
        assert self._sender is not None  # noqa: S101 - callers ask `is_open` first
        try:
            self._sender.send(mail)
        except Exception as error:  # noqa: BLE001 - the next mail must not wait for this one's fault
            # Its words may hold the address.
            _log.error("mail.failed", user_id=mail.user_id, kind=type(error).__name__)
        else:
            _log.info("mail.sent", user_id=mail.user_id)


def _in_thread(call: Callable[[], None]) -> None:
    threading.Thread(target=call, name="mail", daemon=True).start()
