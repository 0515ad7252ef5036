"""The shipped head: its file, its arithmetic, and that it is used with its own encoder only."""

import hashlib
from collections.abc import Callable
from importlib import resources

import numpy as np
import pytest

from models.catalogue import load_catalogue
from models.contract import Tensors
from models.deepfake.clip_head import ClipHead, Head, load_head, parse_head
from models.deepfake.detector import model_of
from models.errors import CatalogueError
from models.network import Network
from models.results import Box, DetectedFace, Image
from models.spec import ModelSpec
from models.testing import ScriptedSession

SPEC = load_catalogue().model("facesocial_deepfake")
#: Changes whenever the head does; then the model card's figures are to be looked at too.
HEAD_SHA256 = "5348c8edecba64db955c9909264beb33ac3d025eab06ee6943de29144750e918"
WIDTH = 768


def face(x: float, side: float = 100) -> DetectedFace:
    box = Box(x=x, y=40, width=side, height=side)
    return DetectedFace(box=box, confidence=1, landmarks=np.zeros((5, 2), np.float32))


def image() -> Image:
    return np.random.default_rng(0).integers(0, 256, (200, 400, 3), np.uint8)


def ramp(feeds: Tensors) -> Tensors:
    """Patch tokens that hold the mean of what is fed, times their place; odd class tokens."""
    (tensor,) = feeds.values()
    tokens = np.empty((len(tensor), 197, WIDTH), np.float32)
    tokens[:] = tensor.mean() * np.linspace(0, 1, WIDTH, dtype=np.float32)
    tokens[:, 0] = 1e6
    return {name: tokens + layer for layer, name in enumerate(SPEC.outputs)}


def network(
    spec: ModelSpec = SPEC, answer: Callable[[Tensors], Tensors] = ramp
) -> tuple[Network, ScriptedSession]:
    session = ScriptedSession.of(spec, answer)
    return Network(spec=spec, session=session), session


def test_the_head_file_is_the_one_that_was_measured() -> None:
    content = resources.files("models.deepfake").joinpath("head.json").read_bytes()

    assert hashlib.sha256(content).hexdigest() == HEAD_SHA256


def test_the_head_fits_the_encoder_of_its_entry() -> None:
    head = load_head()

    assert set(head.outputs) == set(SPEC.outputs)
    assert [trace.name for trace in head.traces] == ["swapped", "generated"]
    assert {len(trace.weights) for trace in head.traces} == {WIDTH * len(head.outputs)}
    assert 0 < head.thresholds.authentic < head.thresholds.manipulated < 1
    assert list(head.thresholds.among) == sorted(head.thresholds.among)
    assert head.thresholds.among[0] == head.thresholds.manipulated


def test_the_shipped_head_keeps_what_it_was_built_for() -> None:
    measured = load_head().measured

    assert measured["auc_nested"] >= 0.8
    assert measured["auc_nested_low"] > 0.65
    assert measured["auc_generated_both_traces"] >= 0.9
    assert measured["authentic_called_manipulated"] <= 0.051
    assert measured["manipulated_called_authentic"] <= 0.051


def test_a_score_is_weights_times_mean_patches_plus_bias_and_the_highest_trace_counts() -> None:
    head = load_head()
    loaded, session = network()

    found = ClipHead(loaded, head).scores(image(), [face(50)])

    (run,) = session.runs
    layers = [
        run["pixel_values"].mean() * np.linspace(0, 1, WIDTH) + list(SPEC.outputs).index(name)
        for name in head.outputs
    ]
    for at, trace in enumerate(head.traces):
        raw = np.concatenate(layers) @ np.array(trace.weights) + trace.bias
        assert found.raw[0, at] == pytest.approx(raw, rel=1e-3, abs=1e-2)
        assert found.by_trace[trace.name] == (trace.calibration.probability(found.raw[0, at]),)
    assert found.probabilities[0] == max(likely for (likely,) in found.by_trace.values())


def test_pixels_are_fed_as_clip_takes_them() -> None:
    loaded, session = network()
    white = np.full((100, 100, 3), 255, np.uint8)

    ClipHead(loaded).probabilities(white, [face(0, 60)])

    # openai/CLIP: (x / 255 - mean) / std.
    expected = (1 - np.array([0.48145466, 0.4578275, 0.40821073])) / np.array(
        [0.26862954, 0.26130258, 0.27577711]
    )
    np.testing.assert_allclose(session.runs[0]["pixel_values"][0, :, 5, 5], expected, rtol=1e-5)


def test_faces_are_run_one_by_one_so_that_none_changes_anothers_answer() -> None:
    faces = [face(0), face(100), face(200), face(290)]
    loaded, session = network()
    head = ClipHead(loaded)

    together = head.probabilities(image(), faces)

    assert {run["pixel_values"].shape for run in session.runs} == {(1, 3, 224, 224)}
    alone = [head.probabilities(image(), [one])[0] for one in faces]
    assert together == pytest.approx(alone, rel=1e-9)


def test_without_faces_nothing_is_run() -> None:
    loaded, session = network()

    assert ClipHead(loaded).probabilities(image(), []) == []
    assert session.runs == []


def test_the_family_is_the_heads() -> None:
    loaded, _ = network()

    assert isinstance(model_of(loaded), ClipHead)


def test_another_encoder_is_refused() -> None:
    other = load_head().model_copy(update={"encoder_sha256": "0" * 64})

    with pytest.raises(CatalogueError, match="another encoder"):
        ClipHead(network()[0], other)


def test_an_encoder_without_the_heads_layers_is_refused() -> None:
    first, *_ = SPEC.outputs
    less = {name: dims for name, dims in SPEC.outputs.items() if name != first}
    spec = SPEC.model_copy(update={"outputs": less})

    with pytest.raises(CatalogueError, match="another encoder"):
        ClipHead(network(spec)[0])


def test_a_file_that_is_no_head_is_refused() -> None:
    with pytest.raises(CatalogueError, match="not valid"):
        parse_head('{"weights": []}')


def test_a_head_survives_being_written_and_read() -> None:
    head = load_head()

    assert parse_head(head.model_dump_json()) == head
    assert isinstance(head, Head)
