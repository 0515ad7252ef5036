import io
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.launcher.output import LineBuffer, Output, RotatingLog, SteadyConsole, tail


@pytest.fixture
def shown() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def output(tmp_path: Path, shown: io.StringIO) -> Iterator[Output]:
    readable, writable = os.pipe()
    os.set_blocking(readable, False)
    found = Output(logs=tmp_path, console=SteadyConsole(file=shown, width=200), wake=readable)
    yield found
    found.close()
    os.close(readable)
    os.close(writable)


def test_a_line_may_come_in_pieces() -> None:
    buffer = LineBuffer()

    assert [buffer.feed(b"on"), buffer.feed(b"e\r\ntwo\nth"), buffer.flush()] == [
        [],
        [b"one", b"two"],
        b"th",
    ]


def test_output_without_line_ends_is_cut_and_not_hoarded() -> None:
    buffer = LineBuffer()

    lines = [line for _ in range(100) for line in buffer.feed(b"x" * 10_000)]

    assert sum(map(len, lines)) + len(buffer.flush()) == 1_000_000
    assert len(lines) >= 10


def test_a_log_keeps_one_predecessor_and_stays_within_twice_its_limit(tmp_path: Path) -> None:
    log = RotatingLog(tmp_path / "a.log", limit_bytes=1000)

    for number in range(200):
        log.write(f"line {number:04d}".encode())

    files = sorted(path.name for path in tmp_path.iterdir())
    assert files == ["a.log", "a.log.1"]
    assert all(path.stat().st_size <= 1001 for path in tmp_path.iterdir())
    assert tail(tmp_path / "a.log", 1) == "line 0199"


def test_a_log_that_cannot_be_written_stops_nobody(tmp_path: Path) -> None:
    RotatingLog(tmp_path / "missing" / "a.log").write(b"lost")

    assert tail(tmp_path / "missing" / "a.log") == ""


def test_lines_are_logged_as_they_are_and_shown_with_the_name(
    output: Output, shown: io.StringIO, tmp_path: Path
) -> None:
    readable, writable = os.pipe()
    output.attach("worker", os.fdopen(readable, "rb", buffering=0))

    os.write(writable, b"caf\xc3\xa9 [bold]\n\xff\nno end")
    output.pump(1)
    os.close(writable)
    output.pump(1)

    assert (tmp_path / "worker.log").read_bytes() == b"caf\xc3\xa9 [bold]\n\xff\nno end\n"
    lines = [line.strip() for line in shown.getvalue().splitlines()]
    assert lines == ["worker │ café [bold]", "worker │ �", "worker │ no end"]


def test_a_reader_who_left_stops_nobody(tmp_path: Path) -> None:
    readable, writable = os.pipe()
    os.close(readable)
    wake, other = os.pipe()
    output_file = os.fdopen(writable, "w")
    output = Output(logs=tmp_path, console=SteadyConsole(file=output_file), wake=wake)

    output.say("store", "ready")
    output.say("store", "ready")

    output.close()
    output_file.close()
    os.close(other)
    os.close(wake)
