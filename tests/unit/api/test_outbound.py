"""What is fetched from where: names, addresses, redirects, calls."""

from collections.abc import Callable, Iterator

import pytest

from api.outbound.errors import UrlRefused, UrlUnreachable
from api.outbound.resolving import resolve_host
from tests.unit.api.odd_hosts import (
    HERE,
    Host,
    Names,
    Script,
    answers,
    fetched,
    outbound,
    redirects,
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


def test_a_file_is_fetched_with_its_host_named_and_nothing_else_told(
    host: Callable[..., Host],
) -> None:
    here = host(answers(b"x" * 700, b"Content-Type: text/html"))
    guard = outbound(here, Names(files_test=[[HERE]]))

    assert fetched(guard, f"http://files.test:{here.port}/a?b=c#d") == b"x" * 700

    [request] = here.requests
    assert request.startswith(b"GET /a?b=c HTTP/1.1\r\n")
    assert f"Host: files.test:{here.port}\r\n".encode() in request
    for name in (b"cookie", b"authorization", b"referer"):
        assert name not in request.lower()


def test_the_name_is_looked_up_once_and_the_checked_address_connected_to(
    host: Callable[..., Host],
) -> None:
    """A host whose second answer is another address gains nothing by it."""
    here = host(answers(b"good"))
    names = Names(files_test=[[HERE], ["169.254.169.254"]])

    assert fetched(outbound(here, names), f"http://files.test:{here.port}/") == b"good"
    assert names.asked == ["files.test"]


@pytest.mark.parametrize(
    "addresses",
    [["127.0.0.1"], ["10.0.0.1", "::1"], ["::ffff:127.0.0.1"], ["169.254.169.254"], []],
)
def test_a_name_with_no_public_address_is_refused_in_the_same_words(
    host: Callable[..., Host], addresses: list[str]
) -> None:
    here = host(answers(b"secret"))
    guard = outbound(here, Names(evil_test=[addresses]), networks=())

    with pytest.raises(UrlRefused, match="has no public address") as refused:
        fetched(guard, f"http://evil.test:{here.port}/")

    assert not any(address in str(refused.value) for address in addresses)
    assert here.requests == []


@pytest.mark.parametrize(
    "location",
    [
        "http://10.0.0.1:{port}/",
        "http://127.0.0.2:{port}/",
        "http://[::1]:{port}/",
        "http://2130706433:{port}/",
        "http://evil.test:{port}/",
        "http://user@files.test:{port}/",
        "//evil.test:{port}/",
        "http://files.test:22/",
        "file:///etc/passwd",
    ],
)
def test_every_redirect_is_checked_anew(host: Callable[..., Host], location: str) -> None:
    here = host()
    here.close()
    here = host(*[redirects(location.format(port=here.port))] * 2)
    names = Names(files_test=[[HERE]], evil_test=[["192.168.0.9"]])
    guard = outbound(here, names)

    with pytest.raises(UrlRefused):
        fetched(guard, f"http://files.test:{here.port}/")

    assert len(here.requests) == 1


def test_a_redirect_that_leads_on_is_followed_three_times(host: Callable[..., Host]) -> None:
    here = host(*[redirects("/next")] * 3, answers(b"there"), *[redirects("/next")] * 4)
    guard = outbound(here, Names(files_test=[[HERE]]))
    url = f"http://files.test:{here.port}/"

    assert fetched(guard, url) == b"there"
    with pytest.raises(UrlUnreachable, match="more than 3 times"):
        fetched(guard, url)


def test_a_second_address_is_tried_when_the_first_takes_no_connection(
    host: Callable[..., Host],
) -> None:
    here = host(answers(b"good"))
    names = Names(files_test=[["::1", HERE]])
    guard = outbound(here, names, networks=("127.0.0.0/8", "::1/128"))

    assert fetched(guard, f"http://files.test:{here.port}/") == b"good"


def test_a_call_is_answered_with_its_beginning_and_not_redirected(
    host: Callable[..., Host],
) -> None:
    here = host(answers(b"y" * 5000, b"Retry-After: 7", status=b"302 Found"))
    guard = outbound(here, Names(files_test=[[HERE]]))

    reply = guard.post(
        f"http://files.test:{here.port}/hook",
        content=b"{}",
        headers={"Content-Type": "application/json"},
        total_seconds=5,
        max_answer_bytes=1024,
    )

    assert (reply.status, reply.headers["retry-after"], reply.content) == (302, "7", b"y" * 1024)
    assert here.requests[0].startswith(b"POST /hook HTTP/1.1\r\n")
    assert here.requests[0].endswith(b"\r\n\r\n{}")


def test_no_proxy_of_the_environment_is_used(
    host: Callable[..., Host], monkeypatch: pytest.MonkeyPatch
) -> None:
    here = host(answers(b"direct"))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9/")

    guard = outbound(here, Names(files_test=[[HERE]]))

    assert fetched(guard, f"http://files.test:{here.port}/") == b"direct"


def test_the_system_s_resolver_knows_this_machine_and_no_other_of_a_reserved_name() -> None:
    assert HERE in resolve_host("localhost", 80, 5)
    assert resolve_host("no-such-host.invalid", 80, 5) == ()


def test_a_url_is_checked_without_asking_anybody(host: Callable[..., Host]) -> None:
    here = host()
    names = Names()
    guard = outbound(here, names)

    guard.check("https://somewhere.test/hook")
    for url in ("http://10.9.9.9/", "http://[fd00::1]/", "http://169.254.169.254/", "ftp://a.b/"):
        with pytest.raises(UrlRefused):
            guard.check(url)

    assert names.asked == []
