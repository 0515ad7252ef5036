"""`facesocial keys` against a gateway on loopback."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner, Result

from cli.main import app
from client import AuthenticationFailed
from tests.unit.cli.loopback import OWN_KEY, keyed_gateway


@pytest.fixture
def url() -> Iterator[str]:
    """Of a gateway with a development key."""
    with keyed_gateway() as url:
        yield url


@pytest.fixture
def run(url: str, tmp_path: Path) -> Callable[..., Result]:
    """Runs `facesocial keys …` as somebody who has set his key."""

    def _run(*arguments: str, key: str = OWN_KEY) -> Result:
        environment = {
            "XDG_CONFIG_HOME": str(tmp_path),
            "FACESOCIAL_DATA_DIR": str(tmp_path),
            "FACESOCIAL_CLIENT_KEY": key,
        }
        whole = ["keys", *arguments, "--gateway", url]
        return CliRunner().invoke(app, whole, env=environment)

    return _run


def _status(url: str, key: str) -> int:
    answer = httpx.get(f"{url}/api/v1/jobs", headers={"X-API-Key": key}, trust_env=False)
    return answer.status_code


def test_a_new_key_stands_alone_on_standard_output_and_works(
    run: Callable[..., Result], url: str
) -> None:
    done = run("create", "my laptop", "--scope", "face:analyze")

    assert done.exit_code == 0
    [key] = done.stdout.splitlines()
    assert key.startswith("fs_live_")
    assert "face:analyze" in done.stderr
    assert key not in done.stderr
    assert _status(url, key) == 200


def test_keys_are_listed_without_their_secrets(run: Callable[..., Result]) -> None:
    made = json.loads(run("create", "the archive", "--days", "7", "--json").stdout)

    table, as_json = run("list").stdout, json.loads(run("list", "--json").stdout)

    assert made["expires_at"] > made["created_at"]
    assert [key["id"] for key in as_json] == [made["id"]]
    for part in (made["id"], "the archive", "active", made["hint"], made["expires_at"][:10]):
        assert part in table
    assert made["key"] not in table + str(as_json)


def test_a_rotated_key_is_replaced_and_a_revoked_one_ends(
    run: Callable[..., Result], url: str
) -> None:
    made = json.loads(run("create", "x", "--json").stdout)
    second = run("rotate", made["id"]).stdout.strip()
    third = run("rotate", made["id"], "--overlap", "60").stdout.strip()

    assert [_status(url, key) for key in (made["key"], second, third)] == [401, 200, 200]

    assert run("revoke", made["id"]).stdout == f"{made['id']} revoked\n"
    assert [_status(url, key) for key in (second, third)] == [401, 401]


def test_a_wrong_key_of_one_s_own_is_told(run: Callable[..., Result]) -> None:
    done = run("list", key="fs_live_wrong")

    assert isinstance(done.exception, AuthenticationFailed)
