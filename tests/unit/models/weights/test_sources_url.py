"""Downloads over HTTP from a server on loopback that misbehaves as told."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from models.errors import SourceUnavailable
from models.spec import UrlSource
from models.weights.progress import NO_PROGRESS
from models.weights.sources.url import UrlFetcher

CONTENT = bytes(range(256)) * 2000
ETAG = '"v1"'


@dataclass
class Server:
    """Answers each request with the next behaviour of a list; the last one repeats."""

    url: str = ""
    behaviours: list[Callable[["Handler"], None]] = field(default_factory=list)
    #: Range headers as received.
    ranges: list[str | None] = field(default_factory=list)
    sent_bytes: int = 0

    def next_behaviour(self) -> Callable[["Handler"], None]:
        return self.behaviours.pop(0) if len(self.behaviours) > 1 else self.behaviours[0]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    state: Server

    def do_GET(self) -> None:
        self.state.ranges.append(self.headers.get("Range"))
        self.state.next_behaviour()(self)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Keep quiet."""

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if "Content_Length" not in headers:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.state.sent_bytes += len(body)


@pytest.fixture
def server() -> Iterator[Server]:
    state = Server()
    handler = type("BoundHandler", (Handler,), {"state": state})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as http:
        state.url = f"http://127.0.0.1:{http.server_port}/file"
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield state
        finally:
            http.shutdown()
            thread.join()


def whole(handler: Handler) -> None:
    handler.answer(200, CONTENT, ETag=ETAG)


def resumed(handler: Handler) -> None:
    start = int(handler.headers["Range"].removeprefix("bytes=").removesuffix("-"))
    if handler.headers["If-Range"] != ETAG:
        whole(handler)
        return
    described = f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}"
    handler.answer(206, CONTENT[start:], Content_Range=described, ETag=ETAG)


def cut_after(count: int, etag: str = ETAG) -> Callable[[Handler], None]:
    def behave(handler: Handler) -> None:
        length = str(len(CONTENT))
        handler.answer(200, CONTENT[:count], Content_Length=length, ETag=etag)
        handler.close_connection = True

    return behave


def status(code: int) -> Callable[[Handler], None]:
    return lambda handler: handler.answer(code)


def redirect_to(target: str) -> Callable[[Handler], None]:
    return lambda handler: handler.answer(302, Location=target)


def dripping(handler: Handler) -> None:
    handler.close_connection = True
    handler.answer(200, Content_Length=str(len(CONTENT)))
    with suppress(OSError):  # nobody listens any more
        while True:
            handler.wfile.write(b".")
            time.sleep(0.01)


def fetch(
    folder: Path,
    *urls: str,
    pauses: list[float] | None = None,
    limit_bytes: int = len(CONTENT),
    file_seconds: float = 60,
) -> bytes:
    sleep = pauses.append if pauses is not None else lambda _: None
    fetcher = UrlFetcher(attempts=3, sleep=sleep, jitter=lambda: 1.0, file_seconds=file_seconds)
    source = UrlSource(kind="url", urls=urls)
    return fetcher.fetch(source, folder, limit_bytes, NO_PROGRESS).read_bytes()


def test_a_whole_file_comes_in_one_request(server: Server, tmp_path: Path) -> None:
    server.behaviours = [whole]

    assert fetch(tmp_path, server.url) == CONTENT
    assert server.ranges == [None]


def test_a_cut_transfer_is_resumed_where_it_broke_off(server: Server, tmp_path: Path) -> None:
    server.behaviours = [cut_after(300_000), resumed]

    assert fetch(tmp_path, server.url) == CONTENT
    assert server.ranges == [None, "bytes=300000-"]
    assert server.sent_bytes == len(CONTENT)


def test_a_file_that_changed_meanwhile_is_taken_from_the_start(
    server: Server, tmp_path: Path
) -> None:
    server.behaviours = [cut_after(1000, etag='"v0"'), resumed]

    assert fetch(tmp_path, server.url) == CONTENT
    assert server.ranges == [None, "bytes=1000-"]


def test_without_a_strong_validator_nothing_is_resumed(server: Server, tmp_path: Path) -> None:
    server.behaviours = [cut_after(1000, etag='W/"weak"'), whole]

    assert fetch(tmp_path, server.url) == CONTENT
    assert server.ranges == [None, None]


def test_a_server_that_ignores_the_range_is_taken_from_the_start(
    server: Server, tmp_path: Path
) -> None:
    server.behaviours = [cut_after(1000), whole]

    assert fetch(tmp_path, server.url) == CONTENT


def test_a_refused_range_starts_over(server: Server, tmp_path: Path) -> None:
    server.behaviours = [cut_after(1000), status(416), whole]

    assert fetch(tmp_path, server.url) == CONTENT
    assert server.ranges == [None, "bytes=1000-", None]


def test_another_range_than_asked_for_is_not_appended(server: Server, tmp_path: Path) -> None:
    def shifted(handler: Handler) -> None:
        described = f"bytes 0-{len(CONTENT) - 1}/{len(CONTENT)}"
        handler.answer(206, CONTENT, Content_Range=described, ETag=ETAG)

    server.behaviours = [cut_after(1000), shifted, whole]

    assert fetch(tmp_path, server.url) == CONTENT


def test_a_busy_server_is_tried_again_after_growing_pauses(server: Server, tmp_path: Path) -> None:
    pauses: list[float] = []
    server.behaviours = [status(503), status(500), whole]

    assert fetch(tmp_path, server.url, pauses=pauses) == CONTENT
    assert pauses == [0.5, 1.0]


def test_attempts_that_bring_bytes_do_not_count_as_failures(server: Server, tmp_path: Path) -> None:
    def a_bit_more(handler: Handler) -> None:
        start = int(handler.headers["Range"].removeprefix("bytes=").removesuffix("-"))
        described = f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}"
        length = str(len(CONTENT) - start)
        handler.answer(
            206,
            CONTENT[start : start + 60_000],
            Content_Range=described,
            Content_Length=length,
            ETag=ETAG,
        )
        handler.close_connection = True

    server.behaviours = [cut_after(60_000), *[a_bit_more] * 7, resumed]

    assert fetch(tmp_path, server.url) == CONTENT
    assert server.sent_bytes == len(CONTENT)


def test_cuts_of_which_none_gets_further_are_failures(server: Server, tmp_path: Path) -> None:
    server.behaviours = [cut_after(count, etag='W/"weak"') for count in (2000, 1000, 2000, 1000)]

    with pytest.raises(SourceUnavailable, match="after 3 attempts"):
        fetch(tmp_path, server.url)

    assert len(server.ranges) == 3


def test_a_file_ends_in_time_and_a_slow_mirror_leaves_some(server: Server, tmp_path: Path) -> None:
    server.behaviours = [dripping, whole]
    assert fetch(tmp_path, server.url, server.url + "?mirror=2", file_seconds=2) == CONTENT

    server.behaviours = [dripping]
    with pytest.raises(SourceUnavailable, match="took too long"):
        fetch(tmp_path, server.url, file_seconds=0.2)


def test_a_server_that_never_recovers_is_given_up_with_its_reason(
    server: Server, tmp_path: Path
) -> None:
    server.behaviours = [status(503)]

    with pytest.raises(SourceUnavailable, match=r"answered 503 \(after 3 attempts\)"):
        fetch(tmp_path, server.url)

    assert len(server.ranges) == 3


def test_a_missing_file_is_not_asked_for_again(server: Server, tmp_path: Path) -> None:
    server.behaviours = [status(404)]

    with pytest.raises(SourceUnavailable, match="answered 404"):
        fetch(tmp_path, server.url)

    assert len(server.ranges) == 1


def test_the_next_mirror_serves_when_the_first_can_not(server: Server, tmp_path: Path) -> None:
    server.behaviours = [status(403), whole]

    assert fetch(tmp_path, server.url, server.url + "?mirror=2") == CONTENT


def test_a_refused_connection_names_the_address(tmp_path: Path, server: Server) -> None:
    server.behaviours = [whole]
    nobody = "http://127.0.0.1:1/file"

    with pytest.raises(SourceUnavailable, match=r"127\.0\.0\.1:1/file"):
        fetch(tmp_path, nobody)


@pytest.mark.parametrize("declared", [True, False])
def test_more_than_the_limit_is_refused(server: Server, tmp_path: Path, declared: bool) -> None:
    def endless(handler: Handler) -> None:
        handler.send_response(200)
        handler.end_headers()
        handler.wfile.write(CONTENT)
        handler.close_connection = True

    server.behaviours = [whole if declared else endless]

    with pytest.raises(SourceUnavailable, match="larger than 1000 bytes"):
        fetch(tmp_path, server.url, limit_bytes=1000)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("address", ["file:///etc/hostname", "ftp://127.0.0.1/x", "/etc/hostname"])
def test_only_the_web_is_fetched_from(tmp_path: Path, address: str) -> None:
    with pytest.raises(SourceUnavailable, match="only http and https"):
        fetch(tmp_path, address)


def test_a_redirect_is_followed_on_the_web_only(server: Server, tmp_path: Path) -> None:
    server.behaviours = [redirect_to("/elsewhere"), whole]
    assert fetch(tmp_path, server.url) == CONTENT

    server.behaviours = [redirect_to("file:///etc/hostname")]
    with pytest.raises(SourceUnavailable):
        fetch(tmp_path, server.url)


def test_endless_redirects_end(server: Server, tmp_path: Path) -> None:
    server.behaviours = [redirect_to("/again")]

    with pytest.raises(SourceUnavailable, match="redirects"):
        fetch(tmp_path, server.url)

    assert len(server.ranges) == 6
