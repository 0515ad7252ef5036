"""Proof that a prepared graph computes what the published one does, before it is kept."""

from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, helper
from onnx.reference import ReferenceEvaluator

from models.contract import InferenceSession, Tensors, verify_contract
from models.errors import PreparationFailed
from models.graphs.cut import expose
from models.graphs.prepare import load_graph, prepare
from models.spec import ModelSpec, Preparation

#: Largest difference allowed, relative to the largest magnitude of that output. Two float32
#: implementations that add in different orders stay near 1e-6 here; a wrong scale, zero point or
#: cell order is off by more than 1e-2.
TOLERANCE = 1e-4

#: Heights and widths tried beside the published ones where both may vary: not square, so that a
#: mix-up of the two shows.
OTHER_SIZES = ((96, 64), (64, 160))


class OpenSession(Protocol):
    """Loads a graph into the inference runtime."""

    def __call__(
        self, graph: Path | bytes, /, *, device: str = "cpu", threads: int = 1
    ) -> InferenceSession:
        """A session over the graph."""
        ...


Outputs = dict[str, NDArray[Any]]


def prepare_checked(original: bytes, spec: ModelSpec, open_session: OpenSession) -> bytes:
    """Prepare a graph and check the result.

    Raises:
        PreparationFailed: it can't be prepared, or answers differently from the original.
        ContractMismatch: it lacks what the catalogue declares.
    """
    prepared = prepare(original, spec)
    check_prepared(original, prepared, spec, open_session)
    return prepared


def check_prepared(
    original: bytes, prepared: bytes, spec: ModelSpec, open_session: OpenSession
) -> None:
    """Compare the prepared graph in the runtime with the original in ONNX's reference evaluator.

    The reference runs the published file untouched, block-quantised weights included, at its own
    input size. Where height and width became dynamic it runs two more sizes, with only the sizes
    in the file made dynamic. Then a batch of two must give what two single runs give.

    A graph that was only cut is compared with the whole one in the runtime instead: no arithmetic
    changed, and what quantises while it runs rounds differently in every implementation.

    Raises:
        PreparationFailed: an output differs by more than TOLERANCE.
        ContractMismatch: the prepared graph lacks what the catalogue declares.
    """
    session = open_session(prepared)
    verify_contract(session, spec)
    model = load_graph(original, spec.id)
    if spec.prepare.cut:
        _check_cut(model, session, spec, open_session)
        return
    names = list(spec.outputs)
    published, *others = _trial_shapes(model, spec)
    trials = [(published, _reference(model))]
    if others:
        resizable = _reference(load_graph(prepare(original, _only_dynamic(spec)), spec.id))
        trials += [(shapes, resizable) for shapes in others]
    for number, (shapes, reference) in enumerate(trials):
        feeds = _noise(shapes, seed=number)
        expected = dict(zip(names, reference.run(names, dict(feeds)), strict=True))
        compare(expected, session.run(feeds), f"{spec.id} at {shapes}")
        if _has_batch(spec):
            _compare_batch(session, shapes, spec.id)


def _check_cut(
    model: ModelProto, session: InferenceSession, spec: ModelSpec, open_session: OpenSession
) -> None:
    shapes, *_ = _trial_shapes(model, spec)
    expose(model.graph, spec)
    feeds = _noise(shapes, seed=0)
    expected = open_session(model.SerializeToString()).run(feeds)
    compare({name: expected[name] for name in spec.outputs}, session.run(feeds), spec.id)


def _reference(model: ModelProto) -> ReferenceEvaluator:
    """ONNX's reference evaluator, made to run batch normalisation with one output as inference.

    The standard says so (opsets 9 to 13); the evaluator of onnx 1.23 mixes (1 - momentum) of the
    batch's own mean and variance in. With a momentum of 1 nothing is left of that.
    """
    for node in model.graph.node:
        if node.op_type == "BatchNormalization" and len(node.output) == 1:
            kept = [item for item in node.attribute if item.name != "momentum"]
            del node.attribute[:]
            node.attribute.extend([*kept, helper.make_attribute("momentum", 1.0)])
    return ReferenceEvaluator(model)


def _only_dynamic(spec: ModelSpec) -> ModelSpec:
    return spec.model_copy(update={"prepare": Preparation(dynamic=spec.prepare.dynamic)})


def _trial_shapes(model: ModelProto, spec: ModelSpec) -> list[dict[str, tuple[int, ...]]]:
    """Input shapes to run: the published one, and others where more than the batch may vary."""
    published: dict[str, tuple[int, ...]] = {}
    for value in model.graph.input:
        if value.name in spec.inputs:
            dims = value.type.tensor_type.shape.dim
            # A dimension the publisher left open is tried at 1: only the batch is, so far.
            published[value.name] = tuple(dim.dim_value or 1 for dim in dims)
    trials = [published]
    for size in OTHER_SIZES:
        trial = {name: _resized(shape, size, spec, name) for name, shape in published.items()}
        if trial != published:
            trials.append(trial)
    return trials


def _resized(
    shape: tuple[int, ...], size: tuple[int, int], spec: ModelSpec, name: str
) -> tuple[int, ...]:
    axes = sorted(axis for axis in spec.prepare.dynamic.get(name, {}) if axis > 0)
    sizes = dict(zip(axes, size, strict=False))
    return tuple(sizes.get(axis, dim) for axis, dim in enumerate(shape))


def _noise(shapes: dict[str, tuple[int, ...]], seed: int) -> dict[str, NDArray[np.float32]]:
    """Reproducible pixels, 0 to 255."""
    rng = np.random.default_rng(seed)
    return {name: rng.uniform(0, 255, shape).astype(np.float32) for name, shape in shapes.items()}


def _has_batch(spec: ModelSpec) -> bool:
    return any(0 in axes for axes in spec.prepare.dynamic.values())


def _compare_batch(
    session: InferenceSession, shapes: dict[str, tuple[int, ...]], model_id: str
) -> None:
    singles = [_noise(shapes, seed=seed) for seed in (10, 11)]
    runs = [session.run(feeds) for feeds in singles]
    together = session.run({name: np.concatenate([s[name] for s in singles]) for name in shapes})
    expected = {name: np.concatenate([run[name] for run in runs]) for name in runs[0]}
    compare(expected, together, f"{model_id} as a batch of two at {shapes}")


def compare(expected: Tensors, found: Tensors, where: str) -> None:
    """Refuse outputs that differ by more than TOLERANCE.

    Raises:
        PreparationFailed: one does; the message names it, the difference and `where`.
    """
    for name, value in expected.items():
        if value.shape != found[name].shape:
            raise PreparationFailed(
                f"{where}: '{name}' has shape {found[name].shape}, the original {value.shape}."
            )
        difference = float(np.abs(value - found[name]).max())
        allowed = TOLERANCE * max(1.0, float(np.abs(value).max()))
        # Written so that a NaN fails too.
        if not difference <= allowed:
            raise PreparationFailed(
                f"{where}: '{name}' differs from the original by {difference:.3g}"
                f" (allowed {allowed:.3g}). It was not stored."
            )
