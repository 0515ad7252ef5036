"""A gateway that others reach does not start open."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from api.exposure import is_loopback, require_safe, require_safe_address
from workers.errors import SettingsError
from workers.settings.process import load_settings

SECRET = {"FACESOCIAL_GATEWAY_SECRET": "s" * 32}
OUTSIDE = "0.0.0.0"  # noqa: S104 - never bound


@pytest.mark.parametrize(
    ("host", "is_local"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("localhost", True),
        (OUTSIDE, False),
        ("::", False),
        ("::ffff:10.0.0.1", False),
        ("10.0.0.1", False),
        ("box.example", False),
        ("localhost.example", False),
        ("", False),
    ],
)
def test_only_this_machine_reaches_loopback(host: str, is_local: bool) -> None:
    assert is_loopback(host) is is_local


def test_accounts_may_be_off_on_loopback_or_where_that_is_said_twice() -> None:
    off = {"FACESOCIAL_AUTH": "off"}

    require_safe(load_settings(off))
    require_safe(
        load_settings({**off, "FACESOCIAL_HOST": OUTSIDE, "FACESOCIAL_AUTH_OFF_ANYWHERE": "true"})
    )
    with pytest.raises(SettingsError, match="AUTH_OFF_ANYWHERE"):
        require_safe_address(load_settings({**off, "FACESOCIAL_HOST": OUTSIDE}))


def test_a_development_key_is_refused_where_others_reach() -> None:
    given = {**SECRET, "FACESOCIAL_DEVELOPMENT_KEY": "d" * 24}

    require_safe(load_settings(given))
    with pytest.raises(SettingsError, match="DEVELOPMENT_KEY"):
        require_safe_address(load_settings({**given, "FACESOCIAL_HOST": OUTSIDE}))


def test_accounts_need_a_secret_to_seal_with() -> None:
    require_safe(load_settings({**SECRET, "FACESOCIAL_HOST": OUTSIDE}))
    with pytest.raises(SettingsError, match="GATEWAY_SECRET"):
        require_safe(load_settings({}))


@pytest.mark.parametrize(
    "given", [{"FACESOCIAL_GATEWAY_SECRET": "short"}, {"FACESOCIAL_DEVELOPMENT_KEY": "short"}]
)
def test_short_secrets_are_refused_and_not_repeated(given: dict[str, str]) -> None:
    with pytest.raises(SettingsError) as raised:
        load_settings(given)

    assert next(iter(given)) in str(raised.value)
    assert "short" not in str(raised.value).partition(" is wrong")[2].split()


@pytest.mark.parametrize("server", ["gunicorn", "up"])
def test_the_processes_refuse_in_one_line(root: Path, tmp_path: Path, server: str) -> None:
    command = {
        "gunicorn": ["gunicorn", "--config", "python:api.gunicorn_config", "api.wsgi:create()"],
        "up": ["cli.main", "up", "--no-flower", "--port", "0"],
    }[server]
    environment = {
        **os.environ,  # noqa: TID251 - a child's
        "FACESOCIAL_DATA_DIR": str(tmp_path),
        "FACESOCIAL_AUTH": "off",
        "FACESOCIAL_HOST": OUTSIDE,
    }

    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=root,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode in {1, 2}
    assert done.stderr.startswith("facesocial: FACESOCIAL_AUTH=off lets everybody")
    assert len(done.stderr.strip().splitlines()) == 1
