"""`facesocial up` as a child of another program: started, awaited, stopped."""

import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from cli.errors import CliError
from cli.launcher.data_dir import DataDir
from cli.launcher.fleet import ROOT
from cli.launcher.run_files import read_run_file
from workers.settings import load_settings

#: Time for the store, the gateway and the workers to come up on a slow machine.
UP_SECONDS = 120
POLL_SECONDS = 0.1
#: Time for the fleet to drain.
DOWN_SECONDS = 60


class FleetFailed(CliError):
    """The fleet did not start or did not stop cleanly."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LocalFleet:
    """A running fleet, from outside."""

    #: The gateway's address.
    url: str
    data: DataDir

    def pid(self, name: str) -> int:
        """Of a process the launcher keeps up, e.g. "gateway"; waits while it is restarted.

        Raises:
            FleetFailed: there is none of that name.
        """
        deadline = time.monotonic() + UP_SECONDS
        while time.monotonic() < deadline:
            for record in read_run_file(self.data.children_file).get("children", []):
                if record["name"] == name:
                    return int(record["pid"])
            time.sleep(POLL_SECONDS)
        raise FleetFailed(f"The fleet has no process '{name}'.")


@contextmanager
def local_fleet(
    environment: Mapping[str, str], *, log: Path, arguments: Sequence[str] = ()
) -> Iterator[LocalFleet]:
    """Run a fleet, from when its gateway is ready to when it has drained.

    Args:
        environment: Of `facesocial up`, settings included.
        log: Where its output goes.
        arguments: Further options of `facesocial up`.

    Raises:
        FleetFailed: it did not come up, or did not drain cleanly; the message has its last words.
    """
    argv = (sys.executable, "-m", "cli.main", "up", *arguments)
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - our own command, no shell
            argv, cwd=ROOT, env=dict(environment), stdout=output, stderr=subprocess.STDOUT
        )
    data = DataDir(root=load_settings(environment).data_dir.absolute())
    try:
        yield LocalFleet(url=_await_ready(process, data, log), data=data)
    finally:
        code = _stop(process)
    if code != 0:
        raise FleetFailed(f"The fleet did not stop cleanly (exit code {code}); see {log}.")


def _await_ready(process: subprocess.Popen[bytes], data: DataDir, log: Path) -> str:
    deadline = time.monotonic() + UP_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-5:]
            raise FleetFailed("\n".join(("The fleet did not start:", *lines, f"See {log}.")))
        announced = read_run_file(data.run / "up.json")
        url = announced.get("gateway")
        # A former fleet's announcement may still lie there.
        if announced.get("pid") == process.pid and isinstance(url, str) and _is_ready(url):
            return url
        time.sleep(POLL_SECONDS)
    raise FleetFailed(f"The gateway was not ready after {UP_SECONDS} s; see {log}.")


def _is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health/ready", timeout=2).is_success
    except (httpx.HTTPError, httpx.InvalidURL):
        return False


def _stop(process: subprocess.Popen[bytes]) -> int:
    # Not SIGINT: shells let their background jobs, and so us, ignore it.
    process.terminate()
    try:
        return process.wait(DOWN_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()
