"""A private `facesocial up` on a folder of its own: started, warmed up, stopped."""

import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil

from benchmarks.children import child_environment
from benchmarks.cpu_clock import cpu_seconds
from benchmarks.errors import BenchmarkFailed
from cli.launcher.run_files import read_run_file
from cli.local_fleet import LocalFleet, local_fleet
from client import Client
from workers.settings.process import Settings

#: Time for every pool process to have loaded its models and served a job.
WARM_SECONDS = 120
JOB_SECONDS = 60
#: CPU time no idle pool process takes while warming up; one photo takes more.
SERVED_CPU_SECONDS = 0.04
_CPU_WORKER = "worker-cpu"
#: In the command line of the pool's processes.
_POOL_MARK = "spawn_main"
#: The event a pool process logs when its models are loaded.
_LOADED = "worker.ready"


class Stack:
    """A running fleet, warmed up and watched."""

    def __init__(self, fleet: LocalFleet) -> None:
        self._process = psutil.Process(fleet.launcher_pid)
        self._data = fleet.data
        self._fleet = fleet

    def client(self) -> Client:
        """Talks to the fleet's gateway, with every right."""
        # Not through a proxy: it is this machine we ask.
        transport = httpx.HTTPTransport(trust_env=False)
        return Client(self._fleet.url, key=self._fleet.key, transport=transport)

    @property
    def url(self) -> str:
        """The gateway's address."""
        return self._fleet.url

    @property
    def key(self) -> str:
        """An API key with every right."""
        return self._fleet.key

    def groups(self) -> dict[str, list[psutil.Process]]:
        """The fleet's processes by what they do; "worker" is the pool, "consumer" its parent."""
        children = read_run_file(self._data.children_file).get("children", [])
        groups = {"launcher": [self._process]}
        for child in children:
            groups[child["name"]] = _family(child["pid"])
        pool = self.pool()
        consumer = [one for one in groups.pop(_CPU_WORKER, []) if one not in pool]
        return {**groups, "consumer": consumer, "worker": pool}

    def pool(self) -> list[psutil.Process]:
        """The processes that analyse photos."""
        children = read_run_file(self._data.children_file).get("children", [])
        worker = next((one["pid"] for one in children if one["name"] == _CPU_WORKER), None)
        family = _family(worker)[1:] if worker else []
        return [one for one in family if _is_pool_process(one)]

    def warm_up(self, client: Client, photos: Sequence[Path], processes: int) -> None:
        """Submit photos until every process of the pool has served some.

        Raises:
            BenchmarkFailed: the pool has another size, or a process serves nothing in time.
        """
        deadline = time.monotonic() + WARM_SECONDS
        while not self._all_loaded(processes):
            _check_time(deadline, f"The {processes} worker processes did not load their models")
            time.sleep(0.1)
        before = {one.pid: cpu_seconds(one) for one in self.pool()}
        if len(before) != processes:
            raise BenchmarkFailed(f"The pool has {len(before)} processes, not {processes}.")
        idle = set(before)
        while idle:
            _check_time(deadline, "A worker process served nothing")
            self._analyse(client, photos, 2 * processes)
            used = {one.pid: cpu_seconds(one) for one in self.pool()}
            idle = {pid for pid in idle if used.get(pid, 0) - before[pid] < SERVED_CPU_SECONDS}

    def _all_loaded(self, processes: int) -> bool:
        log = self._data.logs / f"{_CPU_WORKER}.log"
        return log.read_text(encoding="utf-8", errors="replace").count(_LOADED) >= processes

    def _analyse(self, client: Client, photos: Sequence[Path], count: int) -> None:
        jobs = [client.analyze(photos[number % len(photos)]) for number in range(count)]
        for job in jobs:
            client.wait(job, timeout_seconds=JOB_SECONDS)


@contextmanager
def running_stack(settings: Settings, *, processes: int) -> Iterator[Stack]:
    """Start everything but the monitor; stop it all at the end.

    Args:
        settings: What shapes the work; see child_environment.
        processes: Size of the CPU worker's pool.

    Raises:
        FleetFailed: it does not start, or does not stop cleanly.
    """
    with tempfile.TemporaryDirectory(prefix="facesocial-benchmark-") as folder:
        # Nothing but the size of the pool differs from what a user starts. On the CPU only.
        own = {
            "worker_concurrency": processes,
            "data_dir": Path(folder) / "data",
            "port": 0,
            # Each photo is to be worked on, however often it is sent.
            "result_cache_seconds": 0,
        }
        environment = {**child_environment(settings, own), "CUDA_VISIBLE_DEVICES": "-1"}
        log = Path(folder) / "up.log"
        with local_fleet(environment, log=log, arguments=("--no-flower",)) as fleet:
            yield Stack(fleet)


def _family(pid: int) -> list[psutil.Process]:
    try:
        parent = psutil.Process(pid)
        return [parent, *parent.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _is_pool_process(process: psutil.Process) -> bool:
    try:
        return _POOL_MARK in " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return False


def _check_time(deadline: float, complaint: str) -> None:
    if time.monotonic() > deadline:
        raise BenchmarkFailed(f"{complaint} in {WARM_SECONDS} s.")
