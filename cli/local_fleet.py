"""`facesocial up` as a child of another program: started, awaited, stopped."""

import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from cli.connection import DEVELOPMENT_KEY_SECRET
from cli.errors import CliError
from cli.launcher.data_dir import DataDir
from cli.launcher.fleet import ROOT
from cli.launcher.output import tail
from cli.launcher.processes import Command, Running
from cli.launcher.run_files import read_run_file
from workers.settings.process import load_settings

#: Time for the store, the gateway and the workers to come up on a slow machine.
UP_SECONDS = 120
POLL_SECONDS = 0.1
#: How `Running.ended` tells a clean end.
CLEAN_END = "exit code 0"
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
    launcher_pid: int
    #: An API key with every right.
    key: str

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

    It ends with us, however we end (on Linux); see processes.Command.

    Args:
        environment: Of `facesocial up`, settings included.
        log: Where its output goes; replaced.
        arguments: Further options of `facesocial up`.

    Raises:
        FleetFailed: it did not come up, or did not drain cleanly; the message has its last words.
    """
    log.unlink(missing_ok=True)
    argv = (sys.executable, "-m", "cli.main", "up", *arguments)
    process = Command(argv=argv, env=environment, cwd=ROOT, log=log)()
    settings = load_settings(environment)
    given = settings.development_key
    data = DataDir(root=settings.data_dir.absolute())
    try:
        url = _await_ready(process, data, log)
        key = given.get_secret_value() if given else data.secret(DEVELOPMENT_KEY_SECRET)
        yield LocalFleet(url=url, data=data, launcher_pid=process.pid, key=key)
    finally:
        end = _stop(process)
    if end != CLEAN_END:
        raise FleetFailed(f"The fleet did not stop cleanly ({end}). Its log ends:\n{tail(log)}")


def _await_ready(process: Running, data: DataDir, log: Path) -> str:
    deadline = time.monotonic() + UP_SECONDS
    while time.monotonic() < deadline:
        if process.ended():
            raise FleetFailed(f"The fleet did not start. Its log ends:\n{tail(log)}")
        announced = read_run_file(data.run / "up.json")
        url = announced.get("gateway")
        # A former fleet's announcement may still lie there.
        if announced.get("pid") == process.pid and isinstance(url, str) and _is_ready(url):
            return url
        time.sleep(POLL_SECONDS)
    raise FleetFailed(f"The gateway was not ready after {UP_SECONDS} s; see {log}.")


def _is_ready(url: str) -> bool:
    # Not through a proxy: it is this machine we ask.
    try:
        return httpx.get(f"{url}/health/ready", timeout=2, trust_env=False).is_success
    except (httpx.HTTPError, httpx.InvalidURL):
        return False


def _stop(process: Running) -> str:
    """How it ended; killed when it does not drain in time."""
    # Not SIGINT: shells let their background jobs, and so us, ignore it.
    process.send(signal.SIGTERM)
    deadline = time.monotonic() + DOWN_SECONDS
    while time.monotonic() < deadline:
        if end := process.ended():
            return end
        time.sleep(POLL_SECONDS)
    process.kill_group()
    return "killed, since it did not end"
