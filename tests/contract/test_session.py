"""What every inference session promises: the scripted one, ONNX Runtime's and LiteRT's alike."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from models.contract import InferenceSession, TensorInfo
from models.errors import InferenceFailed
from models.litert import LiteRtSession, open_litert
from models.session import open_session
from models.testing import ScriptedSession, tiny_onnx

TinyTflite = Callable[..., bytes]


def _scripted(_folder: Path, _tiny_tflite: TinyTflite) -> InferenceSession:
    return ScriptedSession(
        inputs=(TensorInfo(name="x", dtype="float32", dims=("batch", 3)),),
        outputs=(TensorInfo(name="y", dtype="float32", dims=("batch", 3)),),
        answer=lambda feeds: {"y": feeds["x"] + np.float32(1)},
    )


def _from_bytes(_folder: Path, _tiny_tflite: TinyTflite) -> InferenceSession:
    return open_session(tiny_onnx())


def _from_file(folder: Path, _tiny_tflite: TinyTflite) -> InferenceSession:
    path = folder / "tiny.onnx"
    path.write_bytes(tiny_onnx())
    return open_session(path, device="sim:6144", threads=2)


def _litert_from_bytes(_folder: Path, tiny_tflite: TinyTflite) -> InferenceSession:
    return open_litert(tiny_tflite())


def _litert_from_file(folder: Path, tiny_tflite: TinyTflite) -> InferenceSession:
    path = folder / "tiny.tflite"
    path.write_bytes(tiny_tflite())
    return open_litert(path, threads=2)


@pytest.fixture(params=[_scripted, _from_bytes, _from_file, _litert_from_bytes, _litert_from_file])
def session(
    request: pytest.FixtureRequest, tmp_path: Path, tiny_tflite: TinyTflite
) -> InferenceSession:
    make: Callable[[Path, TinyTflite], InferenceSession] = request.param
    return make(tmp_path, tiny_tflite)


def test_it_describes_inputs_and_outputs_with_numpy_names(session: InferenceSession) -> None:
    # TFLite files name no dimensions.
    batch = None if isinstance(session, LiteRtSession) else "batch"
    assert session.inputs == (TensorInfo(name="x", dtype="float32", dims=(batch, 3)),)
    assert session.outputs == (TensorInfo(name="y", dtype="float32", dims=(batch, 3)),)


def test_it_names_the_provider_it_got(session: InferenceSession) -> None:
    is_litert = isinstance(session, LiteRtSession)
    assert session.provider == ("LiteRT CPU" if is_litert else "CPUExecutionProvider")


@pytest.mark.parametrize("batch", [1, 2, 5])
def test_it_answers_every_output_by_name(session: InferenceSession, batch: int) -> None:
    values = np.arange(batch * 3, dtype=np.float32).reshape(batch, 3)
    answer = session.run({"x": values})
    assert set(answer) == {"y"}
    assert answer["y"].dtype == np.float32
    np.testing.assert_array_equal(answer["y"], values + 1)


def test_it_reads_arrays_that_are_not_contiguous(session: InferenceSession) -> None:
    values = np.arange(24, dtype=np.float32).reshape(4, 6)[::2, ::-2]
    np.testing.assert_array_equal(session.run({"x": values})["y"], values + 1)


@pytest.mark.parametrize(
    "feeds",
    [
        {},
        {"other": np.zeros((1, 3), np.float32)},
        {"x": np.zeros((1, 3), np.float32), "other": np.zeros((1, 3), np.float32)},
        {"x": np.zeros((1, 4), np.float32)},
        {"x": np.zeros(3, np.float32)},
        {"x": np.zeros((1, 3), np.float64)},
    ],
    ids=["nothing", "wrong name", "one too many", "wrong size", "wrong rank", "wrong type"],
)
def test_feeds_that_do_not_fit_are_an_inference_failure(
    session: InferenceSession, feeds: dict[str, np.ndarray]
) -> None:
    with pytest.raises(InferenceFailed):
        session.run(feeds)


def test_a_refused_run_leaves_the_session_usable(session: InferenceSession) -> None:
    with pytest.raises(InferenceFailed):
        session.run({"x": np.zeros((1, 4), np.float32)})
    assert session.run({"x": np.zeros((1, 3), np.float32)})["y"].tolist() == [[1, 1, 1]]
