"""Keeps a fleet of processes up, and takes it down in order.

Everything happens in the caller's thread: it must be the main one (see `processes.Command`).
"""

import signal
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from cli.errors import ChildFailed, LauncherError
from cli.launcher.backoff import Backoff
from cli.launcher.output import Output, tail
from cli.launcher.processes import ProcessMark, Running, end_processes
from cli.launcher.run_files import read_run_file, write_run_file
from cli.launcher.stop_requests import StopRequests

#: Until the fleet is up, a process that fails this often ends the start.
_ATTEMPTS_AT_START = 3
#: The fleet is not up before its youngest child has lived this long: most that can't work die soon.
_SETTLED_SECONDS = 2.0
_TURN_SECONDS = 0.2


@dataclass(frozen=True, kw_only=True, slots=True)
class Child:
    """A process to keep up."""

    name: str
    #: Starts it; raises LauncherError when that fails.
    start: Callable[[], Running]
    #: Whether it does its work yet; None: as soon as it runs. Must answer within a second or so.
    ready: Callable[[], bool] | None = None
    #: Not ready after this time counts as dead.
    ready_seconds: float = 60.0
    stop_signal: signal.Signals = signal.SIGTERM
    #: Time between the stop signal and SIGKILL.
    stop_grace_seconds: float = 10.0
    backoff: Backoff = field(default_factory=Backoff)


class _Watched:
    """A child and what became of it."""

    def __init__(self, child: Child) -> None:
        self.child = child
        self.running: Running | None = None
        self.ready = False
        self.failures = 0
        #: Clock readings: of the last start, and of the next one.
        self.started_at = 0.0
        self.due_at = 0.0
        #: Whether it had to be killed in the drain.
        self.killed = False


class Supervisor:
    """Starts stages of children in order, restarts those that die, drains in reverse order.

    Args:
        stages: Children of a stage start together, once all of the stage before are ready.
        output: Reads what they write.
        requests: Whether we were asked to stop.
        children_file: Run file with the living children, for `end_leftovers`.
        clock: Seconds that only grow.
    """

    def __init__(
        self,
        stages: Sequence[Sequence[Child]],
        *,
        output: Output,
        requests: StopRequests,
        children_file: Path,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stages = [[_Watched(child) for child in stage] for stage in stages]
        self._output = output
        self._requests = requests
        self._children_file = children_file
        self._clock = clock
        self._starting = True

    def run(self, on_up: Callable[[], None]) -> bool:
        """Bring the fleet up, keep it up until asked to stop, take it down.

        Args:
            on_up: Called once, when every child is ready and none has died just now.

        Returns:
            Whether every child ended by itself within its grace.

        Raises:
            ChildFailed: a child does not come up; the fleet is down again then.
        """
        clean = False
        try:
            while not self._requests.count:
                self._turn()
                if self._starting and self._is_up():
                    self._starting = False
                    on_up()
        finally:
            clean = self._drain()
        return clean

    def _is_up(self) -> bool:
        settled_since = self._clock() - _SETTLED_SECONDS
        everybody = (watched for stage in self._stages for watched in stage)
        return all(watched.ready and watched.started_at <= settled_since for watched in everybody)

    def _turn(self) -> None:
        """Look after every child of the stages whose turn has come, then listen for a while."""
        for stage in self._stages:
            for watched in stage:
                self._tend(watched)
            if self._starting and not all(watched.ready for watched in stage):
                break
        self._output.pump(_TURN_SECONDS)

    def _tend(self, watched: _Watched) -> None:
        now = self._clock()
        if watched.running is None:
            if now >= watched.due_at:
                self._start(watched)
        elif end := watched.running.ended():
            self._failed(watched, f"ended ({end})")
        elif not watched.ready:
            self._await_readiness(watched, now)

    def _start(self, watched: _Watched) -> None:
        watched.started_at = self._clock()
        try:
            watched.running = watched.child.start()
        except LauncherError as error:
            self._failed(watched, str(error))
            return
        if watched.running.output is not None:
            self._output.attach(watched.child.name, watched.running.output)
        watched.ready = watched.child.ready is None
        self._record()

    def _await_readiness(self, watched: _Watched, now: float) -> None:
        child = watched.child
        if child.ready is None or child.ready():
            watched.ready = True
            self._output.say(child.name, "ready")
        elif now - watched.started_at > child.ready_seconds:
            self._failed(watched, f"was not ready after {child.ready_seconds:.0f} s", silent=True)

    def _failed(self, watched: _Watched, what: str, *, silent: bool = False) -> None:
        child, now = watched.child, self._clock()
        if watched.running is not None:
            # Also what a dead child has started: a worker's pool must not go on without it.
            watched.running.kill_group()
            _reap(watched.running)
        watched.running, watched.ready = None, False
        watched.failures = child.backoff.failures_after(
            watched.failures, ran_seconds=now - watched.started_at
        )
        self._record()
        if self._starting and (silent or watched.failures >= _ATTEMPTS_AT_START):
            self._output.pump(0)
            log = self._output.log_path(child.name)
            raise ChildFailed(f"{child.name} {what}. Its log, {log}, ends:\n{tail(log)}")
        pause_seconds = child.backoff.pause_seconds(watched.failures)
        watched.due_at = now + pause_seconds
        self._output.say(child.name, f"{what}; starting again in {pause_seconds:.1f} s", "bold red")

    def _drain(self) -> bool:
        patience = self._requests.count
        for stage in reversed(self._stages):
            asked_at = self._clock()
            for watched in stage:
                if watched.running is not None:
                    self._output.say(watched.child.name, "stopping", "dim")
                    watched.running.send(watched.child.stop_signal)
            while living := [watched for watched in stage if self._still_there(watched)]:
                for watched in living:
                    overdue = self._clock() - asked_at > watched.child.stop_grace_seconds
                    if overdue or self._requests.count > patience:
                        self._kill(watched)
                self._output.pump(_TURN_SECONDS / 4)
        self._record()
        return not any(watched.killed for stage in self._stages for watched in stage)

    def _kill(self, watched: _Watched) -> None:
        if watched.running is not None and not watched.killed:
            self._output.say(watched.child.name, "killed", "bold red")
            watched.running.kill_group()
            watched.killed = True

    def _still_there(self, watched: _Watched) -> bool:
        """Whether a child that was asked to stop lives; sweeps up what a dead one left."""
        if watched.running is not None and watched.running.ended():
            watched.running.kill_group()
            watched.running = None
        return watched.running is not None

    def _record(self) -> None:
        """Tell the next start who to look for, should this process be killed."""
        records = []
        for watched in (watched for stage in self._stages for watched in stage):
            mark = watched.running and ProcessMark.of(watched.running.pid)
            if mark:
                records.append({"name": watched.child.name, **mark.record()})
        write_run_file(self._children_file, {"children": records})


def end_leftovers(
    children_file: Path, *, spare: Iterable[int] = (), grace_seconds: float = 10.0
) -> list[str]:
    """End the children of an earlier supervisor that was killed.

    Args:
        children_file: What it recorded.
        spare: Process ids to leave alone.
        grace_seconds: Between SIGTERM and SIGKILL.

    Returns:
        Names of those that were still alive.
    """
    leftovers: list[tuple[str, psutil.Process]] = []
    spared = set(spare)
    records = read_run_file(children_file).get("children", [])
    for record in records if isinstance(records, list) else []:
        mark = ProcessMark.read(record) if isinstance(record, dict) else None
        process = mark and mark.process()
        if process and process.pid not in spared:
            leftovers.append((str(record.get("name")), process))
    end_processes([process for _, process in leftovers], grace_seconds=grace_seconds)
    return [name for name, _ in leftovers]


def _reap(running: Running) -> None:
    """Wait for a killed process, so that no zombie stays."""
    deadline = time.monotonic() + 5
    while running.ended() is None and time.monotonic() < deadline:
        time.sleep(0.01)
