"""The embedded store: a Valkey server of our own, one per data folder, kept on disk.

Whoever starts it must hold the data folder (`DataDir.held`) or use `start`, which locks.
"""

import re
import time
from pathlib import Path

import psutil
import redis
from filelock import FileLock, Timeout
from redis.backoff import NoBackoff
from redis.retry import Retry

from cli.errors import StoreFailed
from cli.launcher.data_dir import DataDir
from cli.launcher.output import tail
from cli.launcher.ports import LOOPBACK, free_port, is_free
from cli.launcher.processes import Adopted, Command, ProcessMark, Running, end_processes
from cli.launcher.run_files import read_run_file, write_private, write_run_file

_ANSWER_SECONDS = 1.0
#: A living server that says nothing for this long is stopped and started anew.
_ADOPTION_SECONDS = 5.0
#: Reading a large file of commands at the start takes a while.
_READY_SECONDS = 120.0
#: From SIGTERM, at which the server writes its file and leaves, to SIGKILL.
STORE_GRACE_SECONDS = 20.0
_POLL_SECONDS = 0.05
_LOG_BYTES = 10 * 1024 * 1024


class EmbeddedStore:
    """Starts, adopts and stops the server of one data folder.

    Args:
        data: The folder.
        binary: The server program.
        memory_bytes: Most the server keeps; beyond, it refuses writes.
    """

    def __init__(
        self, data: DataDir, binary: Path, *, memory_bytes: int = 512 * 1024 * 1024
    ) -> None:
        self._data = data
        self._binary = binary
        self._memory_bytes = memory_bytes
        self._record_file = data.run / "store.json"
        self._config_file = data.run / "store.conf"
        self._password = data.secret("store")
        self._port = 0
        self._found: Running | None = None
        self._running: Running | None = None

    @property
    def log(self) -> Path:
        """What the server says."""
        return self._data.logs / "store.log"

    @property
    def url(self) -> str:
        """Address with password; known after `prepare`."""
        return f"redis://:{self._password}@{LOOPBACK}:{self._port}/0"

    @property
    def pid(self) -> int | None:
        """The server's process, once launched."""
        return self._running.pid if self._running else None

    def start(self) -> None:
        """Have a server that answers: the one that runs already, or a new one.

        Raises:
            StoreFailed: it does not come up; the message has the end of its log.
        """
        try:
            with FileLock(self._data.run / "store.lock", timeout=_READY_SECONDS):
                self.prepare()
                running = self.launch()
                self._wait_until_ready(running)
        except Timeout:
            raise StoreFailed("Another process has been starting the store for minutes.") from None

    def prepare(self) -> int | None:
        """Find the server an earlier launcher left, or else settle the port and end the rest.

        Returns:
            Process id of the server found; None when `launch` will start one.

        Raises:
            StoreFailed: what is left can't be ended.
        """
        record = read_run_file(self._record_file)
        mark = ProcessMark.read(record)
        self._port = _port_of(record)
        process = mark and mark.process()
        if process and self._adoptable(process, record):
            self._found = Adopted(process)
            return process.pid
        strays = [process] if process else []
        self._end([*strays, *(stray for stray in self._servers() if stray not in strays)])
        if not self._port or not is_free(self._port):
            self._port = free_port()
        write_run_file(self._record_file, {"port": self._port})
        return None

    def launch(self) -> Running:
        """Start the server, or hand over the one `prepare` found. Does not wait.

        Raises:
            StoreFailed: it can't be started, or somebody took its port since `prepare`.
        """
        if self._found is not None:
            self._running, self._found = self._found, None
            return self._running
        if not is_free(self._port):
            raise StoreFailed(f"Port {self._port} of the embedded store was taken by a stranger.")
        try:
            self._turn_log()
            write_private(self._config_file, self._config())
        except OSError as error:
            raise StoreFailed(f"The store's configuration can't be written: {error}.") from error
        argv = (str(self._binary), str(self._config_file))
        # No environment: the server needs none, and it outlives what it was started from.
        running = Command(argv=argv, env={}, cwd=self._data.store, log=self.log)()
        self._running = running
        if mark := ProcessMark.of(running.pid):
            write_run_file(self._record_file, {**mark.record(), "port": self._port})
        return running

    def is_ready(self) -> bool:
        """Whether the launched server answers; asks once, for at most a second."""
        run_id = self._running and self._run_id(self._running.pid, loaded=True)
        if not run_id:
            return False
        record = read_run_file(self._record_file)
        if record.get("run_id") != run_id:
            write_run_file(self._record_file, {**record, "run_id": run_id})
        return True

    def stop(self) -> None:
        """End the server; it writes what it holds first. Nothing happens when there is none.

        Raises:
            StoreFailed: it can't be ended.
        """
        mark = ProcessMark.read(read_run_file(self._record_file))
        process = mark and mark.process()
        self._end([process] if process else [])
        if self._running is not None:
            self._running.ended()
        self._running = None

    def _adoptable(self, process: psutil.Process, record: dict[str, object]) -> bool:
        """Whether a living server answers as the one recorded; waits a little."""
        deadline = time.monotonic() + _ADOPTION_SECONDS
        # One that was killed before it was ready has no run id yet: its pid must do.
        expected = record.get("run_id")
        while time.monotonic() < deadline and Adopted(process).ended() is None:
            if run_id := self._run_id(process.pid, loaded=False):
                return expected in (None, run_id)
            time.sleep(_POLL_SECONDS)
        return False

    def _servers(self) -> list[psutil.Process]:
        """Living servers with this folder's configuration, recorded or not."""
        config = str(self._config_file)
        return [
            process
            for process in psutil.process_iter(["cmdline"])
            if config in (process.info["cmdline"] or ())[1:]
            and Path((process.info["cmdline"])[0]).name == self._binary.name
        ]

    def _run_id(self, pid: int, *, loaded: bool) -> str | None:
        """The run id of the server on our port, if it is that process and lets us in.

        Args:
            pid: The process that must answer.
            loaded: Whether a server that still reads its files counts as silent.
        """
        try:
            with redis.Redis(
                host=LOOPBACK,
                port=self._port,
                password=self._password,
                socket_timeout=_ANSWER_SECONDS,
                socket_connect_timeout=_ANSWER_SECONDS,
                retry=Retry(NoBackoff(), 0),
                decode_responses=True,
            ) as client:
                if loaded:
                    # Refused while the server still reads its files; INFO is answered then.
                    client.ping()
                about = client.info("server")
        except redis.RedisError:
            return None
        return str(about["run_id"]) if about.get("process_id") == pid else None

    def _wait_until_ready(self, running: Running) -> None:
        deadline = time.monotonic() + _READY_SECONDS
        while time.monotonic() < deadline:
            if self.is_ready():
                return
            if end := running.ended():
                raise StoreFailed(f"The embedded store ended ({end}). {self._log_end()}")
            time.sleep(_POLL_SECONDS)
        raise StoreFailed(f"The embedded store does not answer. {self._log_end()}")

    def _log_end(self) -> str:
        return f"Its log, {self.log}, ends:\n{tail(self.log)}"

    def _end(self, processes: list[psutil.Process]) -> None:
        end_processes(processes, grace_seconds=STORE_GRACE_SECONDS)
        if left := [process.pid for process in processes if Adopted(process).ended() is None]:
            raise StoreFailed(f"The store's process {left[0]} can't be ended. End it by hand.")

    def _turn_log(self) -> None:
        if self.log.exists() and self.log.stat().st_size > _LOG_BYTES:
            self.log.replace(self.log.with_name("store.log.1"))

    def _config(self) -> str:
        """The server's configuration. In a file, since every user can read a command line."""
        return "\n".join(
            (
                f"bind {LOOPBACK}",
                f"port {self._port}",
                f"requirepass {self._password}",
                f"dir {_quoted(self._data.store.absolute())}",
                f"logfile {_quoted(self.log.absolute())}",
                "appendonly yes",
                "appendfsync everysec",
                # A submit waits for the disk, and the server tells so at its next tick: at the
                # default of 10 a second that took 50 ms, at 100 it takes 10 (docs/performance.md).
                "hz 100",
                "aof-load-truncated yes",
                'save ""',
                f"maxmemory {self._memory_bytes}",
                "maxmemory-policy noeviction",
                "tcp-keepalive 60",
                "enable-debug-command no",
                # The command line stays what it was, so that `_servers` finds a lost server.
                "set-proc-title no",
                "",
            )
        )


def _port_of(record: dict[str, object]) -> int:
    port = record.get("port")
    return port if type(port) is int and 1024 <= port <= 65535 else 0  # noqa: PLR2004 - TCP ports


def _quoted(path: Path) -> str:
    """A path as the server's configuration takes it: quoted, with its escapes."""
    escaped = re.sub(r'(["\\])', r"\\\1", str(path))
    return f'"{escaped}"'
