"""What the start of a session costs, and what a graph that is optimised already would save."""

import statistics
from pathlib import Path
from tempfile import TemporaryDirectory

# Before ONNX Runtime's own import: the adapter switches its telemetry off.
import models.session  # noqa: F401 - see above

# isort: split
import onnxruntime as ort

from models.tuning.speed import clock_for, time_in_turn

#: Severity of ONNX Runtime's own log: fatal errors only.
_FATAL = 4


def measure_starts(graph: Path, *, threads: int) -> dict[str, float]:
    """Milliseconds to load a graph: as it is, and as ONNX Runtime wrote it after optimising it.

    Args:
        graph: An ONNX file.
        threads: Threads of an operator.

    Returns:
        `plain` and `optimised`, medians of starts in turn, without the graph's first run.
    """
    with TemporaryDirectory() as folder:
        ready = Path(folder) / "optimised.onnx"
        _start(graph, threads, write=ready)
        taken = time_in_turn(
            {
                "plain": lambda: _start(graph, threads),
                "optimised": lambda: _start(ready, threads, optimise=False),
            },
            seconds=1.0,
            clock=clock_for(threads),
        )
    return {name: round(1000 * statistics.median(times), 1) for name, times in taken.items()}


def _start(
    graph: Path, threads: int, *, optimise: bool = True, write: Path | None = None
) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = _FATAL
    if not optimise:
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    if write is not None:
        options.optimized_model_filepath = str(write)
    return ort.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])
