"""The keys and fields that the stores make are those of docs/reference/redis-keys.md."""

import re
from collections.abc import Callable
from dataclasses import replace

from api.accounts.users import Registration, User, new_user_id
from tests.architecture.pages import section, text_of
from tests.contract.people.conftest import Place
from workers.connections.calls import text

Someone = Callable[..., User]


def everything(place: Place, someone: Someone) -> User:
    """Leaves a key of every kind, and users and a login with every field."""
    user = someone(name="Ada", company="A", phone="1", role="admin", email_verified=True)
    place.sessions.begin(user, remembered=False, device="curl", address="192.0.2.7")
    users = place.users
    users.put_once("reset", "used", user.id, ttl_seconds=60)
    users.reset_password("used", user.id, "new")
    users.begin_mfa(user.id, "sealed")
    users.activate_mfa(user.id, "sealed", step=7, backups=["one"])
    users.put_once("reset", "a", user.id, ttl_seconds=60)
    users.put_once("verify", "b", user.id, ttl_seconds=60)
    users.begin_mfa(someone("bo@example.com").id, "sealed")
    wanted = Registration(email="cy@example.com", password="hash", name="Cy")  # noqa: S106
    users.put_registration("digest", wanted, ttl_seconds=60)
    users.count_mail(user.email, window_seconds=60)
    for _ in range(3):
        place.lockout.begin("dee@example.com", "192.0.2.7")
    now = replace(user, password="new")  # noqa: S106
    place.sessions.begin(now, remembered=False, device="curl", address="192.0.2.7")
    assert users.get(new_user_id()) is None
    return user


def told_keys() -> set[str]:
    page = section(text_of("docs/reference/redis-keys.md"), "## Accounts")
    return set(re.findall(r"`(fs:\{accounts\}:[^`]+)`", page))


def test_every_key_is_told(place: Place, someone: Someone) -> None:
    everything(place, someone)

    kinds = {re.sub(r"<[^>]+>", "[^:]+", key) for key in told_keys()}
    patterns = [re.compile(kind.replace("{", r"\{").replace("}", r"\}")) for kind in kinds]
    keys = [text(key) for key in place.client.scan_iter("*")]

    assert [key for key in keys if not any(one.fullmatch(key) for one in patterns)] == []


def test_every_field_of_a_user_and_of_a_login_is_told(place: Place, someone: Someone) -> None:
    user = everything(place, someone)
    client = place.client

    def fields(pattern: str) -> set[str]:
        return {
            text(field)
            for key in client.scan_iter(f"fs:{{accounts}}:{pattern}:*")
            for field in client.hkeys(key)
        }

    page = text_of("docs/reference/redis-keys.md")

    def told(heading: str) -> set[str]:
        words = re.findall(r"`([a-z_]+)`", section(page, heading))
        return set(words) - {"active", "suspended"}

    assert told("### Fields of a user") == fields("user")
    assert told("### Fields of a login") == fields("session")
    assert user.role == "admin"
