"""Which texts are e-mail addresses, and which of them are one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.accounts.users import InvalidEmail, email_digest, normal_email


@pytest.mark.parametrize(
    ("given_as", "normal"),
    [
        ("Ada@Example.COM", "ada@example.com"),
        (" ada@example.com\n", "ada@example.com"),
        ("ada+tag@example.com", "ada+tag@example.com"),
        ("ada@bücher.example", "ada@xn--bcher-kva.example"),
        ("ada@BU\u0308CHER.example", "ada@xn--bcher-kva.example"),
        ("ada@localhost", "ada@localhost"),
    ],
)
def test_an_address_is_compared_in_one_spelling(given_as: str, normal: str) -> None:
    assert normal_email(given_as) == normal


@pytest.mark.parametrize(
    "text",
    [
        *("", "ada", "@example.com", "ada@", "ada@.example", "ada@example..com", "a b@example.com"),
        *("ada@-example.com", "ada@example.com\r\nBcc: x@example.com", "ada@exam\x00ple.com"),
        *("ädä@example.com", "ada@example.com.", "ada@@example.com", "ada@" + "a" * 64 + ".com"),
        *("a" * 65 + "@example.com", "ada@[127.0.0.1]", "ada@" + "a." * 124 + "com"),
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(InvalidEmail):
        normal_email(text)


@given(st.text())
def test_any_text_is_an_address_or_refused(text: str) -> None:
    for whole in (text, f"ada@{text}", f"{text}@example.com"):
        try:
            normal = normal_email(whole)
        except InvalidEmail:
            continue
        assert normal.isascii()
        assert normal.isprintable()
        assert normal_email(normal) == normal
        assert email_digest(whole) == email_digest(normal)
