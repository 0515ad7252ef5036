"""What the worker does before it serves: files for its connections, and no warning."""

import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.gateway_worker import raise_file_limit
from workers.settings.process import environment_of

#: As gunicorn does it: its settings are read, then the worker replaces Python's blocking calls.
_START = """
import gunicorn.app.wsgiapp
import api.gunicorn_config
from gevent import monkey
monkey.patch_all()
import sys
loaded = sorted({"flask", "redis", "celery", "api.app", "api.services"} & set(sys.modules))
assert not loaded, loaded
import api.wsgi
"""


@pytest.fixture
def limits() -> Iterator[tuple[int, int]]:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield before
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_the_application_is_loaded_after_blocking_calls_were_replaced_and_nothing_warns(
    root: Path,
) -> None:
    ended = subprocess.run(
        [sys.executable, "-W", "error", "-c", _START],
        cwd=root,
        env=environment_of(auth="off"),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert (ended.returncode, ended.stderr) == (0, "")


def test_files_are_allowed_for_all_connections_as_far_as_the_system_lets(
    limits: tuple[int, int],
) -> None:
    _, hard = limits
    resource.setrlimit(resource.RLIMIT_NOFILE, (200, hard))

    assert raise_file_limit(150) == 150
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == 200
    assert raise_file_limit(300) == 300
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == 300
    if hard != resource.RLIM_INFINITY:
        assert raise_file_limit(hard + 1) == hard
