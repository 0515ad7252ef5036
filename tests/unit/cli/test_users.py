"""`facesocial users`: accounts straight in the store, the first one above all."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import redis
from pydantic import SecretStr
from typer.testing import CliRunner, Result

from api.accounts.redis_audit import RedisAudit
from api.accounts.redis_users import RedisUsers
from api.accounts.users import User
from cli.errors import CliError
from cli.main import app
from workers.connections.client import connect
from workers.identities.keys import VaultSeals
from workers.identities.opening import open_identities
from workers.identities.records import NewCollection
from workers.identities.trace_records import AuditEvent
from workers.identities.vault import MemoryVault
from workers.settings.process import Settings

pytestmark = pytest.mark.redis

PASSWORD = "correct Horse 7\n"  # noqa: S105 - of everybody here
Run = Callable[..., Result]


@pytest.fixture
def users(real_redis: redis.Redis) -> RedisUsers:
    return RedisUsers(real_redis)


@pytest.fixture
def run(real_redis: redis.Redis, tmp_path: Path) -> Run:
    """Runs `facesocial users …` on the server, with a data folder of its own."""
    port = real_redis.connection_pool.connection_kwargs["port"]
    environment = {
        "FACESOCIAL_REDIS_URL": f"redis://127.0.0.1:{port}/0",
        "FACESOCIAL_DATA_DIR": str(tmp_path),
        "FACESOCIAL_PASSWORD_MEMORY_MIB": "8",
        "FACESOCIAL_PASSWORD_PASSES": "1",
        # Nothing else of this machine.
        "FACESOCIAL_CONFIG": None,
    }

    def _run(*arguments: str, typed: str = "") -> Result:
        return CliRunner().invoke(app, ["users", *arguments], input=typed, env=environment)

    return _run


def created(run: Run, email: str, *options: str) -> str:
    """Id of a new user."""
    done = run("create", email, "--password-file", "-", *options, typed=PASSWORD)
    assert done.exit_code == 0, done.output
    return done.stdout.strip()


def stored(users: RedisUsers, user_id: str) -> User:
    user = users.get(user_id)
    assert user is not None
    return user


def test_the_first_administrator_is_made_by_command(run: Run, users: RedisUsers) -> None:
    user_id = created(run, "Root@Example.com", "--role", "admin", "--name", "Root")

    user = stored(users, user_id)
    assert (user.email, user.role, user.status, user.name) == (
        "Root@Example.com",
        "admin",
        "active",
        "Root",
    )
    assert user.password.startswith("$argon2id$")


def test_what_a_command_did_is_written_down(run: Run, real_redis: redis.Redis) -> None:
    user_id = created(run, "ada@example.com")
    run("role", user_id, "premium")

    audit = RedisAudit(real_redis, entries_kept=1000)
    noted = audit.read(limit=10, before=None, user_id=user_id, action=None)

    assert [one.entry.action for one in noted] == ["user.changed", "user.created"]
    assert noted[0].entry.detail == {"by": "facesocial users", "role": "premium"}


def test_a_password_file_may_end_with_a_line(run: Run, users: RedisUsers, tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("correct Horse 7\r\nwhatever follows\n")

    done = run("create", "ada@example.com", "--password-file", str(file))

    assert done.exit_code == 0
    assert stored(users, done.stdout.strip()).email == "ada@example.com"


@pytest.mark.parametrize(
    ("arguments", "typed", "why"),
    [
        (["nobody"], PASSWORD, "no e-mail address"),
        (["ada@example.com"], "weak\n", "8 to 128"),
        (["ada@example.com"], "", "8 to 128"),
    ],
)
def test_what_can_t_be_an_account_is_refused(
    run: Run, users: RedisUsers, arguments: list[str], typed: str, why: str
) -> None:
    done = run("create", *arguments, "--password-file", "-", typed=typed)

    assert isinstance(done.exception, CliError)
    assert why in str(done.exception)
    assert users.page(limit=1) == ()


def test_a_password_is_asked_for_on_a_terminal_only(run: Run) -> None:
    done = run("create", "ada@example.com", typed=PASSWORD)

    assert isinstance(done.exception, CliError)
    assert "--password-file" in str(done.exception)


def test_an_address_is_given_once(run: Run) -> None:
    created(run, "ada@example.com")

    done = run("create", "ADA@example.com", "--password-file", "-", typed=PASSWORD)

    assert isinstance(done.exception, CliError)


def test_users_are_listed(run: Run) -> None:
    empty = run("list")
    ids = [created(run, f"{name}@example.com") for name in ("ada", "bo")]

    listed = json.loads(run("list", "--json").stdout)

    assert "facesocial users create" in empty.stdout
    assert [one["id"] for one in listed] == ids
    assert (listed[0]["email"], listed[0]["last_login"]) == ("ada@example.com", None)
    assert "password" not in listed[0]
    assert "role" in run("list").stdout


def test_users_are_suspended_and_let_in_again_by_address_or_id(run: Run, users: RedisUsers) -> None:
    user_id = created(run, "ada@example.com")

    run("suspend", "ADA@example.com")
    assert stored(users, user_id).status == "suspended"

    run("suspend", user_id, "--lift")
    assert stored(users, user_id).status == "active"


def test_the_last_administrator_stays(run: Run, users: RedisUsers) -> None:
    user_id = created(run, "root@example.com", "--role", "admin")

    for arguments in (["suspend"], ["delete", "--yes"]):
        done = run(*arguments, user_id)
        assert isinstance(done.exception, CliError)
    assert isinstance(run("role", user_id, "user").exception, CliError)

    assert stored(users, user_id).role == "admin"


def test_a_user_is_deleted_with_all_collections_when_that_was_confirmed(
    run: Run, users: RedisUsers, real_redis: redis.Redis
) -> None:
    user_id = created(run, "ada@example.com")
    port = real_redis.connection_pool.connection_kwargs["port"]
    settings = Settings(redis_url=SecretStr(f"redis://127.0.0.1:{port}/0"))
    client = connect(settings, role="test", is_binary=True)
    identities = open_identities(client, settings, VaultSeals(MemoryVault()))

    for name in ("family", "friends"):
        made = NewCollection(uid=f"col_{name}", id=name, owner=user_id)
        noted = AuditEvent(action="collection.created", by=user_id)
        identities.collections.create(made, most=2, audit=noted)

    assert run("delete", user_id, typed="n\n").exit_code == 1
    assert stored(users, user_id).status == "active"
    assert len(identities.collections.list(user_id, limit=9).items) == 2

    assert run("delete", user_id, typed="y\n").exit_code == 0
    assert users.get(user_id) is None
    assert identities.collections.list(user_id, limit=9).items == ()
    forgotten = identities.forgetting.certificates(user_id, limit=9).items
    assert sorted(one.collection_id for one in forgotten) == ["family", "friends"]
    client.close()
    assert isinstance(run("delete", user_id, "--yes").exception, CliError)
