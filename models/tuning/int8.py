"""The `int8` variant of a recognition model: as much of it in 8 bits as stays close to float32."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.batching import run_tensor
from models.contract import InferenceSession, verify_contract
from models.errors import InferenceFailed, VariantRefused
from models.graphs.closeness import closeness, require_close
from models.graphs.quantize import quantize
from models.pixels import to_tensor
from models.results import Image
from models.session import open_session
from models.spec import ModelSpec
from models.tuning.calibration_faces import CalibrationFaces

#: Shares of the graph that stay float32, tried in order: less is faster, more is closer.
SKIPS = (1 / 3, 1 / 2, 2 / 3)


def build_int8(graph: Path, spec: ModelSpec, faces: CalibrationFaces) -> bytes:
    """Quantise a recognition model and keep the fastest result that is close enough.

    Args:
        graph: The prepared float32 graph.
        spec: The model; its graph has one input and one output.
        faces: Chips of its template.

    Raises:
        VariantRefused: none is close enough, or the tool can't quantise the graph.
        ContractMismatch: the result lacks what the catalogue declares.
    """
    if spec.pixels is None or len(spec.inputs) != 1 or len(spec.outputs) != 1:
        raise VariantRefused(
            f"{spec.id}: only graphs from one chip to one embedding are quantised."
        )
    (feed,) = spec.inputs
    fit = to_tensor(faces.fit, spec.pixels)
    expected = _embed(open_session(graph), spec, faces.judge)
    refusal: VariantRefused | None = None
    for skip in SKIPS:
        feeds = [{feed: fit[i : i + 1]} for i in range(len(fit))]
        content = quantize(graph.read_bytes(), spec.id, feeds, skip=skip)
        session = open_session(content)
        verify_contract(session, spec)
        try:
            require_close(spec.id, closeness(expected, _embed(session, spec, faces.judge)))
        except VariantRefused as error:
            refusal = error
        except InferenceFailed as error:
            refusal = VariantRefused(f"{spec.id}: its 8-bit graph fails. {error}")
        else:
            return content
    raise refusal or VariantRefused


def _embed(
    session: InferenceSession, spec: ModelSpec, chips: Sequence[Image]
) -> NDArray[np.float32]:
    assert spec.pixels is not None  # noqa: S101 - build_int8 has checked
    return run_tensor(session, to_tensor(chips, spec.pixels), (1,))
