"""Steps that only a real card can answer: cuDNN's options, a killed process's memory."""

import statistics
import time
from collections.abc import Mapping

from benchmarks.gpu_check.bench import Bench, images, run_once
from benchmarks.gpu_check.others import other_process
from benchmarks.gpu_check.report import Check, Figure
from benchmarks.gpu_check.session_steps import RUNS, compared
from models.errors import OutOfMemory
from models.providers import cuda_index
from models.session import open_session
from models.spec import ModelSpec

#: A killed process's memory must be back within half a lease of the ledger.
KILLED_SECONDS = 5.0
#: Readings of a quiet card differ by so much.
UNSTEADY_MIB = 32
#: Columns of the table of options.
FIGURES = ("load_and_first_run_ms", "run_ms", "taken_mib", "outcome")
_OPTIONS: Mapping[str, Mapping[str, str]] = {
    "as configured": {},
    "exhaustive search": {"cudnn_conv_algo_search": "EXHAUSTIVE"},
    "largest workspace": {"cudnn_conv_use_max_workspace": "1"},
    "arena doubling": {"arena_extend_strategy": "kNextPowerOfTwo"},
    "tf32": {"use_tf32": "1"},
}


def options(bench: Bench) -> Check:
    """What the options of the CUDA provider cost and gain, one changed at a time."""
    if cuda_index(bench.device) is None:
        return _needs_a_card("options", "What the CUDA provider's options cost and gain.")
    rows = [
        _with_options(bench, spec, label, changed)
        for spec in compared(bench)
        for label, changed in _OPTIONS.items()
    ]
    return Check(
        step="options",
        title="What the CUDA provider's options cost and gain, one changed at a time.",
        rows={"options": rows},
    )


def _with_options(
    bench: Bench, spec: ModelSpec, label: str, changes: Mapping[str, str]
) -> dict[str, Figure]:
    """One row; options that the card has no room for are an outcome too."""
    row: dict[str, Figure] = {"model": spec.id, "options": label}
    before_mib = bench.used_mib()
    try:
        figures = _measured(bench, spec, changes, before_mib)
    except OutOfMemory as error:
        figures = dict.fromkeys(FIGURES) | {"outcome": f"out of memory: {str(error)[-120:]}"}
    bench.wait_for_return(bench.used_mib(), bench.used_mib() - before_mib)
    return row | figures


def _measured(
    bench: Bench, spec: ModelSpec, changes: Mapping[str, str], before_mib: int
) -> dict[str, Figure]:
    started = time.perf_counter()
    session = open_session(
        bench.inventory.store.prepared(spec),
        device=bench.device,
        threads=bench.settings.ort_threads,
        cuda_changes=changes,
    )
    feeds = images(spec, max(spec.batch_buckets))
    try:
        session.run(feeds)
        first_ms = (time.perf_counter() - started) * 1000
        each_ms = statistics.mean(run_once(session, feeds) for _ in range(RUNS))
        taken_mib = bench.used_mib() - before_mib
    finally:
        session.close()
    return dict(zip(FIGURES, (first_ms, each_ms, taken_mib, "done"), strict=True))


def killed(bench: Bench) -> Check:
    """How soon a killed process's memory is free again."""
    title = "A killed process's memory is free before the ledger gives up its lease."
    if cuda_index(bench.device) is None:
        return _needs_a_card("killed", title)
    before_mib = bench.used_mib()
    spec = compared(bench)[-1]
    graph = bench.inventory.store.prepared(spec)
    with other_process("holder", bench.device, str(graph)):
        full_mib = bench.used_mib()
    started = time.monotonic()
    while bench.used_mib() > before_mib + UNSTEADY_MIB:
        if time.monotonic() - started > 2 * KILLED_SECONDS:
            break
    seconds = time.monotonic() - started
    return Check(
        step="killed",
        title=title,
        figures={"held_mib": full_mib - before_mib, "seconds_until_free": seconds},
        limit=f"at most {KILLED_SECONDS:.0f} s",
        passed=seconds <= KILLED_SECONDS and full_mib > before_mib,
    )


def _needs_a_card(step: str, title: str) -> Check:
    return Check(step=step, title=title, note="Only a real card can answer this.")
