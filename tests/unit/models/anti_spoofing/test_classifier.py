"""Reading liveness networks by their catalogue entry, in the real runtime and from a script."""

from typing import Any, Literal

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper

from models.anti_spoofing.classifier import LivenessClassifier, softmax
from models.catalogue import load_catalogue
from models.errors import CatalogueError, InferenceFailed
from models.network import Network
from models.results import Box, DetectedFace, Image
from models.session import open_session
from models.spec import FaceCrop, ModelSpec, PixelInput, TensorContract
from models.testing import ScriptedSession

#: Logits of a class grow with the mean of one channel; rows are the network's first, second and
#: third channel, columns the classes.
FIRST_IS_CLASS_0 = [[8.0, 0.0, 0.0], [0.0, 8.0, 0.0], [0.0, 0.0, 8.0]]
Batch = int | str


def spec_of(
    labels: tuple[str, ...],
    *,
    batch: Batch = "batch",
    colour: Literal["rgb", "bgr"] = "rgb",
    activation: Literal["logits", "probabilities"] = "logits",
    buckets: tuple[int, ...] = (1, 2, 4),
) -> ModelSpec:
    return (
        load_catalogue()
        .model("faceplugin_liveness")
        .model_copy(
            update={
                "labels": labels,
                "pixels": PixelInput(colour=colour, std=(255.0,)),
                "crop": FaceCrop(shape="box", scale=1.0, outside="shift"),
                "activation": activation,
                "batch_buckets": (1,) if batch == 1 else buckets,
                "inputs": {"x": TensorContract(dtype="float32", dims=(batch, 3, 16, 16))},
                "outputs": {"y": TensorContract(dtype="float32", dims=(batch, len(labels)))},
            }
        )
    )


def graph(columns: int, batch: Batch = "batch") -> bytes:
    """Mean of each channel times FIRST_IS_CLASS_0."""
    rows = np.array(FIRST_IS_CLASS_0, np.float32)[:, :columns]
    weights = helper.make_tensor("w", TensorProto.FLOAT, rows.shape, rows.ravel().tolist())
    nodes = [
        helper.make_node("ReduceMean", ["x"], ["m"], axes=[2, 3], keepdims=0),
        helper.make_node("MatMul", ["m", "w"], ["y"]),
    ]
    made = helper.make_graph(
        nodes,
        "liveness",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, (batch, 3, 16, 16))],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, (batch, columns))],
        initializer=[weights],
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return bytes(model.SerializeToString())


def real(spec: ModelSpec) -> LivenessClassifier:
    batch = next(iter(spec.inputs.values())).dims[0]
    session = open_session(graph(len(spec.labels), batch))
    return LivenessClassifier(Network(spec=spec, session=session))


def scripted(spec: ModelSpec, rows: NDArray[Any]) -> LivenessClassifier:
    return LivenessClassifier(Network(spec=spec, session=ScriptedSession.of(spec, {"y": rows})))


def face(x: float, y: float) -> DetectedFace:
    return DetectedFace(
        box=Box(x=x, y=y, width=20, height=20),
        confidence=1.0,
        landmarks=np.zeros((5, 2), np.float32),
    )


def colours() -> Image:
    """Four squares: red, green, blue, black."""
    image = np.zeros((64, 64, 3), np.uint8)
    image[:32, :32, 0] = image[:32, 32:, 1] = image[32:, :32, 2] = 255
    return image


RED, GREEN, BLUE, BLACK = face(6, 6), face(38, 6), face(6, 38), face(38, 38)
#: softmax of (8, 0, 0) and (8, 0).
SURE_OF_3, SURE_OF_2 = 1 / (1 + 2 * np.exp(-8)), 1 / (1 + np.exp(-8))


def test_three_classes_are_read_in_the_entrys_order() -> None:
    network = real(spec_of(("live", "print", "replay")))

    red, green, blue, black = network.scores(colours(), [RED, GREEN, BLUE, BLACK])

    assert red.live == pytest.approx(SURE_OF_3)
    assert green.by_label["print"] == pytest.approx(SURE_OF_3)
    assert blue.by_label["replay"] == pytest.approx(SURE_OF_3)
    assert black.live == pytest.approx(1 / 3)


def test_two_classes_are_read_in_the_entrys_order() -> None:
    live_first = real(spec_of(("live", "spoof"))).scores(colours(), [RED])[0]
    live_last = real(spec_of(("spoof", "live"))).scores(colours(), [RED])[0]

    assert live_first.live == pytest.approx(SURE_OF_2)
    assert live_last.live == pytest.approx(1 - SURE_OF_2)


def test_the_entry_decides_the_colour_order() -> None:
    network = real(spec_of(("live", "print", "replay"), colour="bgr"))

    red, blue = network.scores(colours(), [RED, BLUE])

    assert blue.live == pytest.approx(SURE_OF_3)
    assert red.by_label["replay"] == pytest.approx(SURE_OF_3)


def test_the_probabilities_of_a_face_sum_to_one() -> None:
    for said in real(spec_of(("live", "a", "b"))).scores(colours(), [RED, BLACK]):
        assert sum(said.by_label.values()) == pytest.approx(1)


@pytest.mark.parametrize("batch", [1, "batch"])
def test_a_batch_answers_as_its_faces_alone(batch: Batch) -> None:
    network = real(spec_of(("live", "print", "replay"), batch=batch))
    faces = [RED, BLUE, BLACK, GREEN, RED, BLACK, BLUE]

    together = network.scores(colours(), faces)

    assert together == [network.scores(colours(), [one])[0] for one in faces]


def test_without_faces_nothing_is_run() -> None:
    spec = spec_of(("live", "spoof"))
    session = ScriptedSession.of(spec, {"y": np.zeros((1, 2), np.float32)})

    assert LivenessClassifier(Network(spec=spec, session=session)).scores(colours(), []) == []
    assert session.runs == []


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_an_answer_that_is_no_number_is_an_error(value: float) -> None:
    network = scripted(spec_of(("live", "spoof")), np.array([[value, 0]], np.float32))

    with pytest.raises(InferenceFailed, match="no numbers"):
        network.scores(colours(), [RED])


def test_an_answer_of_another_shape_is_an_error() -> None:
    network = scripted(spec_of(("live", "spoof")), np.zeros((1, 3), np.float32))

    with pytest.raises(InferenceFailed, match=r"\(1, 3\)"):
        network.scores(colours(), [RED])


def test_published_probabilities_are_taken_as_they_are() -> None:
    spec = spec_of(("spoof", "live"), activation="probabilities")

    said = scripted(spec, np.array([[0.25, 0.75]], np.float32)).scores(colours(), [RED])[0]

    assert said.live == pytest.approx(0.75)


@pytest.mark.parametrize("row", [[2.0, 5.0], [-0.5, 1.5], [np.nan, 1.0], [0.0, 0.0]])
def test_logits_declared_as_probabilities_are_an_error(row: list[float]) -> None:
    spec = spec_of(("spoof", "live"), activation="probabilities")

    with pytest.raises(InferenceFailed, match="no probabilities"):
        scripted(spec, np.array([row], np.float32)).scores(colours(), [RED])


@pytest.mark.parametrize(
    "change",
    [
        {"labels": ("real", "fake")},
        {"labels": ("live", "live")},
        {"pixels": None},
        {"crop": None},
        {"activation": None},
        {"inputs": {"x": TensorContract(dtype="float32", dims=(1, 3, "height", "width"))}},
        {"inputs": {"x": TensorContract(dtype="float32", dims=(1, 512))}},
    ],
)
def test_an_entry_that_says_too_little_is_refused(change: dict[str, Any]) -> None:
    spec = spec_of(("live", "spoof")).model_copy(update=change)
    session = ScriptedSession.of(spec, {"y": np.zeros((1, 2), np.float32)})

    with pytest.raises(CatalogueError, match="faceplugin_liveness"):
        LivenessClassifier(Network(spec=spec, session=session))


def test_huge_logits_do_not_overflow() -> None:
    assert softmax(np.array([3e38, -3e38], np.float32)).tolist() == [1.0, 0.0]
