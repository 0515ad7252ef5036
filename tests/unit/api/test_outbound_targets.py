"""URLs and addresses that are refused before anything is connected."""

import pytest

from api.outbound.addresses import is_allowed, networks_of
from api.outbound.errors import UrlRefused
from api.outbound.targets import OutboundPolicy, target_of

PUBLIC = OutboundPolicy(mode="public")


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.8.8.8", "0.0.0.0", "10.0.0.1", "172.16.3.4", "192.168.1.1"),  # noqa: S104 - no bind
        *("169.254.169.254", "100.64.0.1", "100.100.100.200", "192.0.0.192", "198.18.0.1"),
        *("224.0.0.1", "255.255.255.255", "240.0.0.1", "192.88.99.1", "168.63.129.16"),
        *("::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "fec0::1", "ff02::1"),
        *("::ffff:127.0.0.1", "::ffff:8.8.8.8", "::127.0.0.1", "::ffff:0:127.0.0.1"),
        *("64:ff9b::7f00:1", "64:ff9b:1::1", "2002:7f00:1::", "2001:0:4136:e378::", "2001:db8::1"),
        *("100::1", "3fff::1", "localhost", ""),
    ],
)
def test_an_address_that_is_not_public_is_refused(address: str) -> None:
    assert not is_allowed(address)


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "93.184.216.34", "2606:4700:4700::1111", "2a00:1450:4001::8a"]
)
def test_a_public_address_is_allowed(address: str) -> None:
    assert is_allowed(address)


def test_a_network_that_was_named_is_allowed_and_no_other_way_of_writing_it() -> None:
    networks = networks_of(["10.1.2.0/24", "::1/128"])

    assert is_allowed("10.1.2.3", networks)
    assert is_allowed("::1", networks)
    assert not is_allowed("10.1.3.3", networks)
    assert not is_allowed("::ffff:10.1.2.3", networks)


@pytest.mark.parametrize(
    "url",
    [
        # Addresses in other spellings.
        *("http://2130706433/", "http://0x7f000001/", "http://017700000001/", "http://127.1/"),
        *("http://0x7f.0.0.1/", "http://127.0.0.01/", "http://1.2.3.4.5/", "http://example.0x1/"),
        *("http://[::1%25eth0]/", "http://[::1", "http://[1.2.3.4]/", "http://[v1.x]/"),
        # Users, schemes, ports.
        *("http://user@example.org/", "http://user:pw@example.org/", "http://@example.org/"),
        *("ftp://example.org/", "file:///etc/passwd", "gopher://example.org/", "//example.org/"),
        *("example.org/a.jpg", "http:example.org", "http:///a", "http://", "", "data:,x"),
        *("http://example.org:22/", "http://example.org:6379/", "http://example.org:99999/"),
        *("http://example.org:x/", "http://example.org:-80/"),
        # What is read differently by different programs.
        *("http://example.org\\@10.0.0.1/", "http://example.org /", " http://example.org/"),
        *("http://exam\tple.org/", "http://example.org/\r\nHost: x", "http://exa%6dple.org/"),
        *("http://example..org/", "http://-example.org/", "http://a_!b.org/", "http://\u2100.org/"),
        "http://example.org/" + "a" * 2048,
    ],
)
def test_a_url_that_is_odd_is_refused(url: str) -> None:
    with pytest.raises(UrlRefused):
        target_of(url, PUBLIC)


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://EXAMPLE.org./a", "example.org"),
        ("https://b\u00fccher.example/a", "xn--bcher-kva.example"),
        # Digits of other scripts are digits: an address, which is checked as one.
        ("http://\uff11\uff12\uff17.0.0.1/", "127.0.0.1"),
        ("http://[::1]/", "::1"),
        ("http://[0:0:0:0:0:0:0:1]/", "::1"),
        ("http://127.0.0.1/", "127.0.0.1"),
    ],
)
def test_a_host_has_one_spelling(url: str, host: str) -> None:
    assert target_of(url, PUBLIC).host == host


def test_paths_are_encoded_once() -> None:
    target = target_of("https://example.org/\u00e4%20b?q=\u00e9&r=[1]#part", PUBLIC)

    assert target.path == "/%C3%A4%20b?q=%C3%A9&r=%5B1%5D"
    assert target.host_header == "example.org"


@pytest.mark.parametrize(
    ("url", "passes"),
    [
        ("http://example.org/", True),
        ("https://example.org/", True),
        ("https://example.org:8443/", True),
        ("https://example.org:9443/", False),
        ("https://www.example.org/", False),
        ("https://a.cdn.example/", True),
        ("https://cdn.example/", False),
        ("https://evilcdn.example/", False),
        ("https://example.org.evil.example/", False),
        ("https://only.example:8000/", True),
        ("https://only.example/", False),
    ],
)
def test_only_listed_hosts_and_ports_are_fetched_from_a_list(url: str, passes: bool) -> None:
    hosts = ("example.org", "example.org:8443", ".cdn.example", "only.example:8000")
    policy = OutboundPolicy(mode="allow_list", hosts=hosts)

    if passes:
        assert target_of(url, policy).host
    else:
        with pytest.raises(UrlRefused):
            target_of(url, policy)


def test_nothing_is_fetched_where_urls_are_off_and_nothing_plain_where_https_is_asked_for() -> None:
    with pytest.raises(UrlRefused, match="switched off"):
        target_of("https://example.org/", OutboundPolicy())
    with pytest.raises(UrlRefused, match="https"):
        target_of("http://example.org/", OutboundPolicy(mode="public", https_only=True))
