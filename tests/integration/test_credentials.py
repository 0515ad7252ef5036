"""Keys and tokens at the real gateway: over its death, and over a store that hangs."""

import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import redis
from pydantic import SecretStr

from api.accounts.opening import open_people
from api.accounts.redis_credentials import open_credentials
from api.accounts.sealing import Seal
from api.accounts.users import User, new_user_id
from tests.integration.gateway_process import running_gateway, within
from workers.settings.process import Settings

pytestmark = [pytest.mark.fleet, pytest.mark.redis]

SECRET = "of-this-test-" + "s" * 32
DEVELOPMENT_KEY = "fs_dev_" + "d" * 32
ACCOUNTS = {"auth": "required", "gateway_secret": SECRET, "development_key": DEVELOPMENT_KEY}
#: Longest answer while the store is away.
ANSWER_SECONDS = 6


def _get(url: str, credential: str) -> httpx.Response:
    headers = {"Authorization": f"Bearer {credential}"}
    return httpx.get(f"{url}/api/v1/jobs", headers=headers, timeout=30)


def _token(client: redis.Redis) -> str:
    """Of a user's login, made in this process: another one than the gateway."""
    settings = Settings(gateway_secret=SecretStr(SECRET))
    people = open_people(client, settings, seal=Seal(SECRET, purpose="totp"))
    user = User(id=new_user_id(), email="ada@example.com", password="", role="user")
    people.users.add(user)
    begun = people.sessions.begin(user, remembered=False, device="test", address="")
    assert begun is not None
    tokens = open_credentials(client, settings, people.sessions).tokens
    return tokens.issue(user_id=user.id, role="user", session_id=begun.session_id).text


@contextmanager
def _own_store(binary: Path, folder: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    argv = [str(binary), "--bind", "127.0.0.1", "--port", str(port), "--save", ""]
    with (folder / "store.log").open("wb") as log:
        process = subprocess.Popen(argv, cwd=folder, stdout=log, stderr=log)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGCONT)
        process.kill()
        process.wait(timeout=60)


def test_keys_and_tokens_outlive_the_gateway(
    tmp_path: Path, root: Path, pick_port: Callable[[], int], real_redis: redis.Redis
) -> None:
    redis_port = real_redis.connection_pool.connection_kwargs["port"]
    arguments = {"root": root, "redis_port": redis_port, **ACCOUNTS}
    token = _token(real_redis)
    with running_gateway(tmp_path, port=pick_port(), **arguments) as first:
        made = httpx.post(
            f"{first.url}/api/v1/keys",
            json={"name": "mine"},
            headers={"X-API-Key": DEVELOPMENT_KEY},
            timeout=30,
        ).json()
        published = httpx.get(f"{first.url}/.well-known/jwks.json", timeout=30).json()
        found = [_get(first.url, each).status_code for each in (made["key"], token, "x.y.z")]
        assert found == [200, 200, 401]
        first.process.kill()
        first.process.wait(timeout=60)

    with running_gateway(tmp_path, port=pick_port(), **arguments) as second:
        found = [_get(second.url, each).status_code for each in (made["key"], token, "x.y.z")]
        assert found == [200, 200, 401]
        assert httpx.get(f"{second.url}/.well-known/jwks.json", timeout=30).json() == published
        log = second.log.read_text()
        assert not [each for each in (made["key"], token, DEVELOPMENT_KEY, SECRET) if each in log]


def test_a_store_that_hangs_is_503_in_time_and_good_again_afterwards(
    tmp_path: Path, root: Path, pick_port: Callable[[], int], valkey_binary: Path
) -> None:
    port = pick_port()
    with (
        _own_store(valkey_binary, tmp_path, port) as store,
        redis.Redis(port=port, decode_responses=True) as client,
    ):
        assert within(60, lambda: _pings(client))
        token = _token(client)
        with running_gateway(
            tmp_path, root=root, port=pick_port(), redis_port=port, **ACCOUNTS
        ) as gateway:
            credentials = (f"fs_live_{'0' * 32}_{'s' * 43}", token)
            assert [_get(gateway.url, each).status_code for each in credentials] == [401, 200]

            store.send_signal(signal.SIGSTOP)
            for credential in credentials:
                started = time.monotonic()
                answer = _get(gateway.url, credential)
                assert time.monotonic() - started < ANSWER_SECONDS
                assert (answer.status_code, answer.json()["code"]) == (503, "store_unavailable")
            assert httpx.get(f"{gateway.url}/health/live", timeout=10).is_success

            store.send_signal(signal.SIGCONT)
            assert within(60, lambda: _get(gateway.url, token).is_success)
            assert _get(gateway.url, credentials[0]).status_code == 401


def _pings(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False
