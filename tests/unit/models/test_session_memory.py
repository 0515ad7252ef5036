"""Sessions that run out of memory for real, shrink and are closed.

An arena that is capped is one for a whole process, and so is a limit on the address space: each of
these tests has a process of its own.
"""

import json
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from models.contract import ClosableSession, ShrinkableSession
from models.errors import InferenceFailed
from models.session import open_session
from models.testing import tiny_onnx, tiny_recogniser

PRELUDE = """
import json, sys
from pathlib import Path
import numpy as np
from models.errors import DeviceFault, InferenceFailed, OutOfMemory
from models.session import open_session, share_cpu_arena
from models.testing import tiny_recogniser

def outcome(call):
    try:
        call()
    except InferenceFailed as error:
        return type(error).__name__, type(error.__cause__).__name__, str(error)
    return "fine", "", ""

def batch(count):
    return {"data": np.zeros((count, 3, 8, 8), np.float32)}
"""


def _in_child(root: Path, code: str, *arguments: str) -> tuple[Any, str]:
    """What the code printed as JSON, and what stood on its stderr."""
    done = subprocess.run(
        [sys.executable, "-c", PRELUDE + textwrap.dedent(code), *arguments],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), done.stderr


def test_a_run_over_the_arena_s_cap_is_out_of_memory_and_the_session_survives(root: Path) -> None:
    found, _ = _in_child(
        root,
        """
        share_cpu_arena(limit_bytes=2 * 2**20)
        session = open_session(tiny_recogniser(), shared_arena=True)
        runs = [outcome(lambda: session.run(batch(count))) for count in (16, 4096, 16)]
        print(json.dumps(runs))
        """,
    )
    assert [name for name, _, _ in found] == ["fine", "OutOfMemory", "fine"]
    assert "is smaller than requested bytes of" in found[1][2]
    assert "'data': [4096, 3, 8, 8]" in found[1][2]


@pytest.mark.skipif(sys.platform != "linux", reason="limits the address space as Linux does")
def test_a_load_without_room_is_out_of_memory_whatever_the_library_s_class(
    root: Path, tmp_path: Path
) -> None:
    side = 4000
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        "large",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ("batch", side))],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ("batch", side))],
        initializer=[numpy_helper.from_array(np.ones((side, side), np.float32), "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path = tmp_path / "large.onnx"
    path.write_bytes(model.SerializeToString())

    found, _ = _in_child(
        root,
        """
        import resource
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        loads = []
        for room in range(10, 200, 10):
            limit = pages * resource.getpagesize() + room * 2**20
            resource.setrlimit(resource.RLIMIT_AS, (limit, -1))
            loads.append(outcome(lambda: open_session(Path(sys.argv[1]))))
        print(json.dumps(loads))
        """,
        str(path),
    )
    # Which of the two depends on how far the load came; the class we raise does not.
    failed = [(ours, theirs) for ours, theirs, _ in found if ours != "fine"]
    assert {ours for ours, _ in failed} == {"OutOfMemory"}
    assert {theirs for _, theirs in failed} <= {"Fail", "RuntimeException"}
    assert "large.onnx could not be loaded" in found[0][2]


@pytest.mark.parametrize(("how", "grows_again"), [("run", False), ("run_and_shrink", True)])
def test_shrinking_gives_the_arena_s_memory_back(
    root: Path, how: str, *, grows_again: bool
) -> None:
    _, log = _in_child(
        root,
        f"""
        share_cpu_arena(tell=True)
        session = open_session(tiny_recogniser(), shared_arena=True)
        for _ in range(2):
            session.run(batch(4096))
        session.{how}(batch(4096))
        print("MARK", file=sys.stderr, flush=True)
        session.run(batch(4096))
        print("null")
        """,
    )
    before, _, after = log.partition("MARK")
    assert "Extended allocation" in before
    assert ("Extended allocation" in after) is grows_again


def test_shrinking_answers_as_a_run_does() -> None:
    session = open_session(tiny_recogniser())
    feeds = {"data": np.random.default_rng(0).random((2, 3, 8, 8), np.float32)}
    assert isinstance(session, ShrinkableSession)
    np.testing.assert_array_equal(session.run_and_shrink(feeds)["fc1"], session.run(feeds)["fc1"])


def test_a_closed_session_refuses_runs_and_may_be_closed_again() -> None:
    session = open_session(tiny_onnx())
    assert isinstance(session, ClosableSession)
    session.close()
    session.close()
    for run in (session.run, session.run_and_shrink):
        with pytest.raises(InferenceFailed, match="unloaded"):
            run({"x": np.zeros((1, 3), np.float32)})
    assert session.provider == "CPUExecutionProvider"
    assert session.inputs[0].name == "x"


def test_a_closed_session_s_memory_is_free_though_somebody_holds_it(root: Path) -> None:
    found, _ = _in_child(
        root,
        """
        import gc, resource
        def resident():
            return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
        from onnx import helper, numpy_helper
        rows = numpy_helper.from_array(np.ones((4000, 4000), np.float32), "w")
        graph = helper.make_graph(
            [helper.make_node("MatMul", ["x", "w"], ["y"])], "g",
            [helper.make_tensor_value_info("x", 1, ("batch", 4000))],
            [helper.make_tensor_value_info("y", 1, ("batch", 4000))], initializer=[rows])
        content = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString()
        session = open_session(content)
        session.run({"x": np.ones((64, 4000), np.float32)})
        before = resident()
        session.close()
        gc.collect()
        print(json.dumps((before - resident()) / 2**20))
        """,
    )
    assert found > 40  # of 61 MiB of weights
