"""Fetching from and calling URLs that strangers name.

A URL is read strictly, its host is resolved once, only public addresses are kept, and the
connection goes to one of them; every redirect is a new URL. No proxy, no cookie, no credential.
"""

import functools
import ssl
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import BinaryIO, cast
from urllib.parse import urljoin

import httpcore

from api.outbound.addresses import is_address, is_allowed
from api.outbound.connecting import Deadline, PinnedBackend
from api.outbound.errors import UrlRefused, UrlTooLarge, UrlUnreachable
from api.outbound.resolving import Resolve, resolve_host
from api.outbound.targets import OutboundPolicy, Target, target_of

#: Redirects that are followed.
MAX_REDIRECTS = 3
#: Addresses of a host that are tried.
MAX_ADDRESSES = 3
#: Requests under way at a time in this process; others wait, within their own time.
MAX_REQUESTS = 32
#: A file up to this size stays in memory.
SPOOL_BYTES = 512 * 1024
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
#: What httpcore raises for what the other side does.
_BROKEN = (
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.TimeoutException,
    httpcore.UnsupportedProtocol,
)
_HEADERS = {"User-Agent": "FaceSocial", "Accept": "*/*", "Accept-Encoding": "identity"}


@dataclass(frozen=True, kw_only=True, slots=True)
class OutboundReply:
    """What an address answered to a call."""

    status: int
    #: Names in lower case.
    headers: Mapping[str, str]
    #: Its beginning.
    content: bytes


@functools.cache
def _usual_authorities() -> ssl.SSLContext:
    """Once a process: it takes longer than everything else here, and nobody changes it."""
    return httpcore.default_ssl_context()


class Outbound:
    """Fetches and calls, within a policy.

    Args:
        policy: Where requests may go.
        resolve: Names to addresses.
        ssl_context: Trusted authorities; the usual ones when not given.
    """

    def __init__(
        self,
        policy: OutboundPolicy,
        *,
        resolve: Resolve = resolve_host,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        self._policy = policy
        self._resolve = resolve
        # Read from disk, so only where it may be needed.
        off = policy.mode == "off"
        self._ssl_context = ssl_context if off or ssl_context else _usual_authorities()
        self._slots = threading.BoundedSemaphore(MAX_REQUESTS)

    def check(self, url: str) -> None:
        """Refuse a URL that would be refused whatever its host resolves to.

        Raises:
            UrlRefused: it is none we use.
        """
        host = target_of(url, self._policy).host
        # An address resolves to itself: no need to wait for a request to find out.
        if is_address(host) and not is_allowed(host, self._policy.networks):
            raise UrlRefused("The URL's host has no public address.")

    def fetch(self, url: str, *, max_bytes: int, total_seconds: float) -> BinaryIO:
        """The file at a URL, at its beginning; the caller closes it.

        What the answer says of its type is not looked at: the bytes decide.

        Args:
            url: Of a stranger's.
            max_bytes: Largest file; more ends the transfer.
            total_seconds: For everything, look-ups and redirects included.

        Raises:
            UrlRefused: the URL, or one it redirects to, is none we fetch.
            UrlUnreachable: no file came in time.
            UrlTooLarge: it is too large.
        """
        target = target_of(url, self._policy)
        deadline = Deadline(total_seconds)
        with self._slot(deadline):
            for _ in range(MAX_REDIRECTS + 1):
                with self._answer("GET", target, deadline) as response:
                    if response.status not in _REDIRECTS:
                        return _file(response, max_bytes)
                    location = _headers(response).get("location", "")
                url = urljoin(url, location)
                target = target_of(url, self._policy)
        raise UrlUnreachable(f"The URL redirects more than {MAX_REDIRECTS} times.")

    def post(
        self,
        url: str,
        *,
        content: bytes,
        headers: Mapping[str, str],
        total_seconds: float,
        max_answer_bytes: int = 1024,
    ) -> OutboundReply:
        """Call a URL; redirects are answers like others.

        Args:
            url: Of a stranger's.
            content: The body.
            headers: Its type and whatever else.
            total_seconds: For everything.
            max_answer_bytes: How much of the answer is read.

        Raises:
            UrlRefused: the URL is none we call.
            UrlUnreachable: there was no answer in time.
        """
        target = target_of(url, self._policy)
        deadline = Deadline(total_seconds)
        sent = {**headers, "Content-Length": str(len(content))}
        with self._slot(deadline), self._answer("POST", target, deadline, sent, content) as reply:
            return OutboundReply(
                status=reply.status,
                headers=_headers(reply),
                content=_beginning(reply, max_answer_bytes),
            )

    @contextmanager
    def _slot(self, deadline: Deadline) -> Iterator[None]:
        if not self._slots.acquire(timeout=deadline.left_seconds()):
            raise UrlUnreachable("Too many URLs are being fetched. Try again.")
        try:
            yield
        finally:
            self._slots.release()

    @contextmanager
    def _answer(
        self,
        method: str,
        target: Target,
        deadline: Deadline,
        headers: Mapping[str, str] | None = None,
        content: bytes = b"",
    ) -> Iterator[httpcore.Response]:
        """The answer of the first address that takes the connection; its body is not read yet."""
        sent = {"Host": target.host_header, **_HEADERS, **(headers or {}), "Connection": "close"}
        address, *more = self._addresses(target, deadline)
        while True:
            backend = PinnedBackend(address, deadline)
            try:
                with (
                    self._connection(target, backend) as connection,
                    backend.watched(),
                    connection.stream(
                        method, _url(target), headers=list(sent.items()), content=content
                    ) as response,
                ):
                    yield response
                    return
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if not more:
                    raise UrlUnreachable("The URL's host takes no connection.") from None
                address, *more = more
            except _BROKEN:
                deadline.left_seconds()
                raise UrlUnreachable("The URL's host broke the connection off.") from None

    def _addresses(self, target: Target, deadline: Deadline) -> Sequence[str]:
        """Addresses that may be connected to, at least one.

        Raises:
            UrlRefused: there is none. Whether the host has others is not told: that would be news
                of our network.
        """
        found = self._resolve(target.host, target.port, deadline.left_seconds())
        allowed = [one for one in found if is_allowed(one, self._policy.networks)]
        if not allowed:
            raise UrlRefused("The URL's host has no public address.")
        return allowed[:MAX_ADDRESSES]

    def _connection(self, target: Target, backend: PinnedBackend) -> httpcore.HTTPConnection:
        return httpcore.HTTPConnection(
            httpcore.Origin(target.scheme.encode(), target.host.encode(), target.port),
            ssl_context=self._ssl_context,
            network_backend=backend,
        )


def _url(target: Target) -> httpcore.URL:
    return httpcore.URL(
        scheme=target.scheme, host=target.host, port=target.port, target=target.path
    )


def _headers(response: httpcore.Response) -> dict[str, str]:
    return {
        name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers
    }


def _file(response: httpcore.Response, max_bytes: int) -> BinaryIO:
    """The body, no larger than allowed."""
    if response.status != HTTPStatus.OK:
        raise UrlUnreachable(f"The URL's host answered with status {response.status}.")
    headers = _headers(response)
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise UrlUnreachable("The URL's host sent the file compressed, unasked.")
    declared = headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > max_bytes:
        raise UrlTooLarge(max_bytes)
    spool = tempfile.SpooledTemporaryFile(max_size=SPOOL_BYTES)  # noqa: SIM115 - the caller's
    file = cast("BinaryIO", spool)
    try:
        _copy(response, file, max_bytes)
    except BaseException:
        file.close()
        raise
    return file


def _copy(response: httpcore.Response, file: BinaryIO, max_bytes: int) -> None:
    size_bytes = 0
    for chunk in response.iter_stream():
        size_bytes += len(chunk)
        if size_bytes > max_bytes:
            raise UrlTooLarge(max_bytes)
        file.write(chunk)
    file.seek(0)


def _beginning(response: httpcore.Response, max_bytes: int) -> bytes:
    kept = bytearray()
    for chunk in response.iter_stream():
        kept += chunk[: max_bytes - len(kept)]
        if len(kept) >= max_bytes:
            break
    return bytes(kept)
