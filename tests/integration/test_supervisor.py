"""The supervisor with real, trivial children: deaths, drains, and its own sudden end."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from cli.launcher.supervisor import end_leftovers

pytestmark = pytest.mark.fleet

#: A fleet of two stages whose children write what happens to them into the folder's `events`.
FLEET = """
import signal, sys
from contextlib import closing
from pathlib import Path
from cli.errors import LauncherError
from cli.launcher.backoff import Backoff
from cli.launcher.output import Output, SteadyConsole
from cli.launcher.processes import Command
from cli.launcher.stop_requests import stop_requests
from cli.launcher.supervisor import Child, Supervisor

folder, programs = Path(sys.argv[1]), sys.argv[2:]
PRELUDE = '''
import os, signal, subprocess, sys, time
name, folder = sys.argv[1:]
def event(what):
    with open(folder + "/events", "a") as file:
        file.write(f"{what} {name} {os.getpid()}\\\\n")
def leave(*_):
    event("stop"); sys.exit(0)
signal.signal(signal.SIGTERM, leave)
event("start")
'''

def child(name, program, **options):
    argv = (sys.executable, "-c", PRELUDE + program, name, str(folder))
    return Child(
        name=name, start=Command(argv=argv, env={}, cwd=folder), stop_grace_seconds=1,
        backoff=Backoff(first_seconds=0.1, most_seconds=0.2), **options,
    )

first = child("first", programs[0], ready=(folder / "is_ready").exists, ready_seconds=2)
stages = ((first,), tuple(child(f"later{n}", p) for n, p in enumerate(programs[1:])))
with stop_requests() as requests, closing(
    Output(logs=folder, console=SteadyConsole(width=200), wake=requests.wake)
) as output:
    supervisor = Supervisor(
        stages, output=output, requests=requests, children_file=folder / "children.json"
    )
    try:
        clean = supervisor.run(on_up=lambda: print("UP", flush=True))
    except LauncherError as error:
        print(error, file=sys.stderr)
        sys.exit(3)
sys.exit(0 if clean else 1)
"""

STAY = "event('running')\nwhile True: time.sleep(0.05)"
DIE = "sys.exit(7)"
DEAF = "signal.signal(signal.SIGTERM, signal.SIG_IGN); event('running')\nwhile True: time.sleep(1)"
#: A child with a child of its own, as a worker with its pool.
PARENT = (
    "event('running')\n"
    "made = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
    "open(folder + '/grandchild', 'w').write(str(made.pid))\n"
    "while True: time.sleep(0.05)"
)


class Fleet:
    """A supervisor in a process of its own."""

    def __init__(self, folder: Path, root: Path) -> None:
        self.folder = folder
        self._root = root
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *programs: str, ready: bool = True) -> None:
        if ready:
            (self.folder / "is_ready").touch()
        with (
            (self.folder / "stdout").open("w") as stdout,
            (self.folder / "stderr").open("w") as stderr,
        ):
            self.process = subprocess.Popen(
                (sys.executable, "-c", FLEET, str(self.folder), *programs),
                cwd=self._root,
                stdout=stdout,
                stderr=stderr,
            )

    def send(self, signum: signal.Signals) -> None:
        assert self.process is not None
        os.kill(self.process.pid, signum)

    def wait(self) -> int:
        assert self.process is not None
        return self.process.wait(timeout=60)

    @property
    def shown(self) -> str:
        return (self.folder / "stdout").read_text()

    def events(self, what: str, name: str = "") -> list[tuple[str, int]]:
        """Names and process ids, in the order in which it happened."""
        path = self.folder / "events"
        lines = [line.split() for line in path.read_text().splitlines()] if path.exists() else []
        return [(who, int(pid)) for did, who, pid in lines if did == what and name in ("", who)]

    def await_life(self, name: str, number: int) -> None:
        _eventually(lambda: len(self.events("running", name)) == number)

    def living(self) -> list[int]:
        """Children of any life that still run, grandchild included."""
        pids = {pid for _, pid in self.events("start")}
        if (self.folder / "grandchild").exists():
            pids.add(int((self.folder / "grandchild").read_text()))
        return [pid for pid in pids if _is_alive(pid)]


def _is_alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _eventually(condition: Callable[[], object], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"did not happen within {seconds} s"
        time.sleep(0.02)


@pytest.fixture
def fleet(tmp_path: Path, root: Path) -> Iterator[Fleet]:
    found = Fleet(tmp_path, root)
    yield found
    if found.process is not None and found.process.poll() is None:
        found.process.kill()
        found.process.wait(timeout=60)
    for pid in found.living():
        os.kill(pid, signal.SIGKILL)


def test_a_child_that_never_gets_ready_ends_the_start(fleet: Fleet) -> None:
    fleet.start(STAY, ready=False)

    assert fleet.wait() == 3

    assert "first was not ready after 2 s" in (fleet.folder / "stderr").read_text()


def test_a_stage_waits_until_the_one_before_is_ready(fleet: Fleet) -> None:
    fleet.start(STAY, STAY, ready=False)
    _eventually(lambda: fleet.events("running", "first"))

    before = fleet.events("start", "later0")
    (fleet.folder / "is_ready").touch()

    _eventually(lambda: "UP" in fleet.shown)
    assert before == []
    assert len(fleet.events("start", "later0")) == 1


def test_the_drain_goes_backwards_and_ends_with_0(fleet: Fleet) -> None:
    fleet.start(STAY, STAY, STAY)
    _eventually(lambda: len(fleet.events("running")) == 3)

    fleet.send(signal.SIGTERM)

    assert fleet.wait() == 0
    stopped = [name for name, _ in fleet.events("stop")]
    assert sorted(stopped[:2]) == ["later0", "later1"]
    assert stopped[2:] == ["first"]
    assert fleet.living() == []
    assert json.loads((fleet.folder / "children.json").read_text()) == {"children": []}


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGHUP])
def test_ctrl_c_and_a_closed_terminal_drain_too(fleet: Fleet, signum: signal.Signals) -> None:
    fleet.start(STAY)
    _eventually(lambda: "UP" in fleet.shown)

    fleet.send(signum)

    assert fleet.wait() == 0


def test_a_child_that_is_killed_comes_back(fleet: Fleet) -> None:
    fleet.start(STAY, STAY)
    _eventually(lambda: "UP" in fleet.shown and fleet.events("running", "later0"))

    for life in range(1, 5):
        _, pid = fleet.events("running", "later0")[-1]
        os.kill(pid, signal.SIGKILL)
        fleet.await_life("later0", life + 1)

    assert fleet.shown.count("killed by SIGKILL") == 4
    assert len(fleet.events("running", "first")) == 1
    fleet.send(signal.SIGTERM)
    assert fleet.wait() == 0


def test_what_a_killed_child_had_started_does_not_outlive_it(fleet: Fleet) -> None:
    fleet.start(STAY, PARENT)
    _eventually(lambda: (fleet.folder / "grandchild").exists() and "UP" in fleet.shown)
    grandchild = int((fleet.folder / "grandchild").read_text())

    os.kill(fleet.events("running", "later0")[0][1], signal.SIGKILL)

    _eventually(lambda: not _is_alive(grandchild))


def test_a_child_that_never_comes_up_ends_the_start_with_its_log(fleet: Fleet) -> None:
    fleet.start(STAY, "print('the reason', flush=True); " + DIE)

    assert fleet.wait() == 3

    said = (fleet.folder / "stderr").read_text()
    assert "later0 ended (exit code 7)" in said
    assert "the reason" in said
    assert "UP" not in fleet.shown
    assert len(fleet.events("start", "later0")) == 3
    assert fleet.living() == []


def test_a_deaf_child_is_killed_after_its_grace_and_that_is_not_clean(fleet: Fleet) -> None:
    fleet.start(STAY, DEAF)
    _eventually(lambda: fleet.events("running", "later0"))

    fleet.send(signal.SIGTERM)

    assert fleet.wait() == 1
    assert "killed" in fleet.shown
    assert [name for name, _ in fleet.events("stop")] == ["first"]
    assert fleet.living() == []


def test_a_second_ctrl_c_kills_at_once(fleet: Fleet) -> None:
    fleet.start(DEAF, DEAF)
    _eventually(lambda: len(fleet.events("running")) == 2)
    fleet.send(signal.SIGINT)
    _eventually(lambda: "stopping" in fleet.shown)
    time.sleep(0.5)  # within this time a second signal counts as the first one's echo

    fleet.send(signal.SIGINT)

    assert fleet.wait() == 1
    assert fleet.living() == []


@pytest.mark.skipif(sys.platform != "linux", reason="needs the parent-death signal")
def test_killing_the_supervisor_leaves_no_child(fleet: Fleet) -> None:
    fleet.start(STAY, STAY, STAY)
    _eventually(lambda: len(fleet.events("running")) == 3)

    fleet.send(signal.SIGKILL)
    fleet.wait()

    _eventually(lambda: not fleet.living(), seconds=5)


def test_what_a_killed_supervisor_left_is_ended_by_the_next_start(fleet: Fleet) -> None:
    fleet.start(STAY, DEAF)
    _eventually(lambda: len(fleet.events("running")) == 2)
    fleet.send(signal.SIGKILL)
    fleet.wait()
    _eventually(lambda: len(fleet.living()) == 1)

    ended = end_leftovers(fleet.folder / "children.json", grace_seconds=1)

    assert ended == ["later0"]
    assert fleet.living() == []


def test_the_output_of_every_life_is_in_the_log(fleet: Fleet) -> None:
    fleet.start(STAY, "print('hello from', name, flush=True)\n" + STAY)
    _eventually(lambda: fleet.shown.count("hello from later0") == 1)

    os.kill(fleet.events("running", "later0")[0][1], signal.SIGKILL)

    _eventually(lambda: fleet.shown.count("hello from later0") == 2)
    log = (fleet.folder / "later0.log").read_text()
    assert log.splitlines() == ["hello from later0"] * 2
