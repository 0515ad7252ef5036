"""The pipeline alone, in processes of their own: what the machine can do without a service.

`LoopPool` starts this module as a program: it loads the models as a worker's process does, then
reads requests from its input, one JSON object a line, and answers each with one.
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from benchmarks.children import child_environment
from benchmarks.errors import BenchmarkFailed
from cli.launcher.fleet import ROOT
from workers.settings.process import Settings, load_settings

STOP_SECONDS = 10


class LoopPool:
    """Some processes with a pipeline each, doing nothing until told to.

    Args:
        processes: As made by `running_loops`.
        opencv_threads: Threads OpenCV uses in each, beside ONNX Runtime's.
    """

    def __init__(self, processes: Sequence[subprocess.Popen[str]], opencv_threads: int) -> None:
        self._processes = processes
        self.opencv_threads = opencv_threads

    def groups(self) -> dict[str, list[psutil.Process]]:
        """The processes, for a CPU clock."""
        return {"pipeline": [psutil.Process(one.pid) for one in self._processes]}

    def run(self, photos: Sequence[Path], *, rounds: int, processes: int) -> list[list[float]]:
        """Have some of the processes analyse all photos, round by round, at the same time.

        Returns:
            Per process, each photo's milliseconds in order.
        """
        request = json.dumps({"photos": [str(photo) for photo in photos], "rounds": rounds})
        chosen = self._processes[:processes]
        for process in chosen:
            _send(process, request)
        return [_receive(process)["photo_ms"] for process in chosen]


@contextmanager
def running_loops(settings: Settings, *, processes: int) -> Iterator[LoopPool]:
    """Start the processes and wait until their models are loaded; end them afterwards."""
    # What the launcher gives its CPU worker, so that both sides compute under the same terms.
    threads = str(settings.ort_threads)
    environment = {
        **child_environment(settings, {"log_level": "warning"}),
        **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), threads),
        "CUDA_VISIBLE_DEVICES": "-1",
    }
    started: list[subprocess.Popen[str]] = []
    try:
        started += (_start(environment) for _ in range(processes))
        hellos = [_receive(process) for process in started]
        yield LoopPool(started, int(hellos[0]["opencv_threads"]))
    finally:
        for process in started:
            _end(process)


def _start(environment: Mapping[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "benchmarks.pipeline_loop"],
        cwd=ROOT,
        env=dict(environment),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def _send(process: subprocess.Popen[str], line: str) -> None:
    assert process.stdin is not None  # noqa: S101 - opened as a pipe
    process.stdin.write(line + "\n")
    process.stdin.flush()


def _receive(process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdout is not None  # noqa: S101 - opened as a pipe
    line = process.stdout.readline()
    if not line:
        raise BenchmarkFailed("A process with the pipeline ended; it has said why above.")
    answer: dict[str, Any] = json.loads(line)
    return answer


def _end(process: subprocess.Popen[str]) -> None:
    """Close the input, which ends the loop."""
    if process.stdin is not None:
        process.stdin.close()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()


def serve() -> None:
    """Load the models, then answer requests until the input ends."""
    import cv2  # noqa: PLC0415 - the parent only measures: it has no use for this half's libraries

    from models.catalogue import load_catalogue  # noqa: PLC0415 - as above
    from models.weights.store import WeightStore  # noqa: PLC0415 - as above
    from workers.contract import AnalyzeOptions  # noqa: PLC0415 - as above
    from workers.devices.residency import Residency  # noqa: PLC0415 - as above
    from workers.logs import configure_logging  # noqa: PLC0415 - as above
    from workers.photos.pipeline import FacePipeline  # noqa: PLC0415 - as above

    settings = load_settings()
    configure_logging(settings)
    residency = Residency(
        store=WeightStore(settings.weights_path),
        catalogue=load_catalogue(),
        threads=settings.ort_threads,
    )
    residency.load()
    pipeline = FacePipeline(residency, max_pixels=settings.max_image_pixels)
    options = AnalyzeOptions()
    _answer({"opencv_threads": cv2.getNumThreads()})
    for line in sys.stdin:
        request = json.loads(line)
        contents = [Path(photo).read_bytes() for photo in request["photos"]]
        photo_ms: list[float] = []
        for _ in range(request["rounds"]):
            for content in contents:
                started = time.perf_counter()
                pipeline.analyze(content, options)
                photo_ms.append((time.perf_counter() - started) * 1000)
        _answer({"photo_ms": photo_ms})


def _answer(answer: Mapping[str, Any]) -> None:
    print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    serve()
