"""What scripts/setup.sh reads of a checkout, with programs that only note what they are asked."""

import shlex
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

PIP = """
import pathlib, sys
with pathlib.Path("asked.txt").open("a") as asked:
    print(*sys.argv[1:], file=asked)
"""
#: `-m venv` as it is, but with the pip above; what happens next is filled in.
PYTHON = """#!/bin/sh
if [ "$*" != "-m venv --clear .venv" ]; then exec {real} "$@"; fi
{real} -m venv --clear --without-pip .venv
{then}
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Tree:
    """As much of a checkout as the script reads."""

    root: Path

    @property
    def venv(self) -> Path:
        return self.root / ".venv"

    @property
    def asked(self) -> list[str]:
        """What pip, or uv, was asked for, without the look at its version."""
        path = self.root / "asked.txt"
        lines = path.read_text().splitlines() if path.exists() else []
        return [line for line in lines if line != "--version"]

    def program(self, name: str, text: str) -> str:
        path = self.root / "bin" / name
        path.write_text(text)
        path.chmod(0o755)
        return str(path)

    def python(self, name: str, then: str, *, first: str = "") -> str:
        text = PYTHON.format(real=shlex.quote(sys.executable), then=then)
        return self.program(name, text.replace("\n", "\n" + first, 1))

    def start(self, *, python: str = "", runtime: str = "") -> subprocess.Popen[str]:
        # Whoever runs tests in the background ignores Ctrl-C, and children inherit that.
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            return subprocess.Popen(
                ["sh", "scripts/setup.sh", ".venv"],
                cwd=self.root,
                env={"PATH": str(self.root / "bin"), "PYTHON": python, "RUNTIME": runtime},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
            )
        finally:
            signal.signal(signal.SIGINT, before)

    def run(self, *, python: str = "", runtime: str = "") -> tuple[int, str]:
        """Exit status and output."""
        with self.start(python=python, runtime=runtime) as process:
            output, _ = process.communicate(timeout=60)
        return process.returncode, output
