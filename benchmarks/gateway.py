"""What a gateway process bears: clients that wait, and photos it accepts, beside a bare route.

The server's processes are the real ones, the store too; no worker runs, so nothing but accepting
is measured. Phases take turns within a repetition, and ratios are formed within one.
"""

import json
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from benchmarks.bare_upload import PATH as BARE_PATH
from benchmarks.baseline import machine_facts
from benchmarks.errors import BenchmarkFailed
from benchmarks.figures import percentile
from benchmarks.gateway_clients import Found
from benchmarks.gateway_servers import KEY, bare_gateway, gateway
from workers.settings.process import Settings

_PATH: Final = "/api/v1/face/analyze"
_ROOT: Final = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, kw_only=True, slots=True)
class Load:
    """How much is asked."""

    waiting: int = 1000
    submitters: int = 20
    seconds: float = 10.0
    repetitions: int = 3


def measure_gateway(
    settings: Settings, photo: Path, load: Load, *, console: Console
) -> dict[str, Any]:
    """Measure and answer the report.

    Args:
        settings: Shapes nothing but limits; stores and ports are the benchmark's own.
        photo: What is uploaded.
        load: How much.
        console: Where progress is told.

    Raises:
        BenchmarkFailed: a server did not start, or refused a photo.
        CliError: there is no store.
    """
    measured_at = datetime.now(UTC).isoformat(timespec="seconds")
    repetitions = []
    for number in range(1, load.repetitions + 1):
        console.print(f"Repetition {number}/{load.repetitions} ...")
        repetitions.append(_repetition(settings, photo, load))
    return {
        "measured_at": measured_at,
        "machine": machine_facts(opencv_threads=0),
        "setup": {
            **asdict(load),
            "photo_bytes": photo.stat().st_size,
            "gateway_processes": 1,
        },
        "medians": _medians(repetitions),
        "repetitions": repetitions,
    }


def _repetition(settings: Settings, photo: Path, load: Load) -> dict[str, Any]:
    waiting = _thirds(load.waiting)
    alone = {"submitters": load.submitters, "seconds": load.seconds, "photo": str(photo)}
    with gateway(settings) as server:
        plan = {"port": server.port, "key": KEY, "path": _PATH, "server_pid": server.worker_pid}
        accepted = _clients(plan | alone)
        crowd = _clients(plan | alone | waiting)
        paced = _clients(plan | alone | waiting | {"pause_seconds": 1.0})
    with bare_gateway(settings) as server:
        bare = _clients(
            {"port": server.port, "key": "", "path": BARE_PATH, "server_pid": server.worker_pid}
            | alone
        )
    with gateway(settings, config="benchmarks.gthread_gunicorn") as server:
        plan = {"port": server.port, "key": KEY, "path": _PATH, "server_pid": server.worker_pid}
        threads = _clients(plan | alone)
        # Its threads can't hold WebSockets: these clients poll instead.
        polls = waiting | {"websockets": 0}
        polls["long_polls"] += waiting["websockets"]
        threads_crowd = _clients(plan | alone | polls)
    return {
        "accepted": _figures(accepted),
        "waiting": _figures(crowd),
        "waiting_paced": _figures(paced),
        "bare": _figures(bare),
        "gthread": _figures(threads),
        "gthread_waiting": _figures(threads_crowd),
        "of_bare": round(_rate(accepted) / _rate(bare), 3),
    }


def _thirds(waiting: int) -> dict[str, int]:
    third = waiting // 3
    return {
        "long_polls": waiting - 2 * third,
        "event_streams": third,
        "websockets": third,
    }


def _figures(found: Found) -> dict[str, Any]:
    return {
        "per_second": round(_rate(found), 1),
        "photos": len(found.submit_ms),
        "p50_ms": round(percentile(found.submit_ms, 50), 1),
        "p95_ms": round(percentile(found.submit_ms, 95), 1),
        "cpu_ms_per_photo": round(1000 * found.cpu_seconds / len(found.submit_ms), 2),
        "max_ms": round(max(found.submit_ms), 1),
        "waiting_before": found.waiting_before,
        "waiting_after": found.waiting_after,
        "memory_before_mib": round(found.memory_before_mib, 1),
        "memory_waiting_mib": round(found.memory_waiting_mib, 1),
    }


def _rate(found: Found) -> float:
    return len(found.submit_ms) / found.seconds


def _medians(repetitions: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Each figure's median over the repetitions."""
    medians: dict[str, Any] = {}
    for name, first in repetitions[0].items():
        values = [repetition[name] for repetition in repetitions]
        if isinstance(first, Mapping):
            medians[name] = {
                figure: statistics.median(value[figure] for value in values) for figure in first
            }
        else:
            medians[name] = statistics.median(values)
    return medians


def _clients(plan: Mapping[str, Any]) -> Found:
    """What clients in a process of their own meet.

    Raises:
        BenchmarkFailed: one of them met what it should not.
    """
    ended = subprocess.run(
        [sys.executable, "-m", "benchmarks.gateway_clients"],
        input=json.dumps(plan),
        capture_output=True,
        text=True,
        cwd=_ROOT,
        check=False,
    )
    if ended.returncode:
        raise BenchmarkFailed(f"The clients failed:\n{ended.stderr[-2000:]}")
    return Found(**json.loads(ended.stdout))
