"""What a password must be: long, not easy to guess, not the person's own address.

The lengths and the kinds of characters are the product's rules; the list of common passwords is
what NIST SP 800-63B asks for. Long pass phrases need no kinds of characters.
"""

import re
import unicodedata
from functools import cache
from importlib import resources

LEAST_LETTERS = 8
#: Argon2 takes any length; a bound keeps bodies small.
MOST_LETTERS = 128
#: From this length on a password needs no three kinds of characters.
PHRASE_LETTERS = 16
LEAST_KINDS = 3
#: Fewer than these different characters are a pattern, whatever the length.
LEAST_DIFFERENT = 5

_KINDS = (re.compile(r"[a-z]"), re.compile(r"[A-Z]"), re.compile(r"[0-9]"))
#: Digits and signs that people write for letters.
_READ_AS = str.maketrans("@4310$57!", "aaeiossti")
_AROUND = re.compile(r"^[^a-z]+|[^a-z]+$")
_SIGNS_AROUND = re.compile(r"^[^a-z0-9]+|[^a-z0-9]+$")
#: Shorter names are part of many words.
_LEAST_NAME_LETTERS = 4


class WeakPassword(ValueError):
    """The password is not taken; the message says why and holds nothing of it."""


def normal_password(password: str) -> str:
    """A password as it is hashed: the same however a keyboard composes its letters (NFKC)."""
    return unicodedata.normalize("NFKC", password)


def check_password(password: str, *, email: str) -> None:
    """Refuse a password that is easy to guess.

    Args:
        password: As it was typed.
        email: Of its owner.

    Raises:
        WeakPassword: it breaks a rule.
    """
    password = normal_password(password)
    if not LEAST_LETTERS <= len(password) <= MOST_LETTERS:
        raise WeakPassword(f"A password has {LEAST_LETTERS} to {MOST_LETTERS} characters.")
    if any(unicodedata.category(letter) in ("Cc", "Cs") for letter in password):
        raise WeakPassword("A password holds no control characters.")
    if len(set(password)) < LEAST_DIFFERENT:
        raise WeakPassword(f"A password has at least {LEAST_DIFFERENT} different characters.")
    if len(password) < PHRASE_LETTERS and _kinds(password) < LEAST_KINDS:
        raise WeakPassword(
            f"A password has three of: small letters, capitals, digits, others; or at least "
            f"{PHRASE_LETTERS} characters."
        )
    if _is_of(email.casefold(), password.casefold()):
        raise WeakPassword("A password must not be made of the e-mail address.")
    if _is_common(password.casefold()):
        raise WeakPassword("That password is among the first that are tried.")


def _kinds(password: str) -> int:
    kinds = sum(bool(kind.search(password)) for kind in _KINDS)
    return kinds + any(not (letter.isascii() and letter.isalnum()) for letter in password)


def _is_of(email: str, password: str) -> bool:
    """Whether little is left of a password without the address or the name in it."""
    name = email.partition("@")[0]
    parts = [email, name] if len(name) >= _LEAST_NAME_LETTERS else [email]
    return any(
        part in password and len(password.replace(part, "")) < LEAST_LETTERS for part in parts
    )


def _is_common(password: str) -> bool:
    """Whether a password, or the word in it, is on the list.

    People put digits and signs around a word and write some of its letters as digits.
    """
    bare = {password, _SIGNS_AROUND.sub("", password), _AROUND.sub("", password)}
    words = bare | {word.translate(_READ_AS) for word in bare}
    return len(password) < PHRASE_LETTERS and not words.isdisjoint(_common())


@cache
def _common() -> frozenset[str]:
    text = (resources.files("api.accounts") / "common_passwords.txt").read_text(encoding="utf-8")
    return frozenset(line for line in text.splitlines() if line and not line.startswith("#"))
