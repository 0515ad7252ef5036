"""Opening a model: its graphs from the weight store, checked against the catalogue, warmed up."""

import numpy as np

from models.catalogue import Catalogue
from models.contract import InferenceSession, verify_contract
from models.errors import ContractMismatch
from models.network import Network
from models.session import open_session
from models.spec import ModelSpec
from models.store import WeightStore

#: Size of a named dimension in the warm-up run, unless the entry's input is square and smaller.
WARM_UP_SIZES = {"batch": 1, "height": 640, "width": 640}


def open_network(
    store: WeightStore,
    catalogue: Catalogue,
    spec: ModelSpec,
    *,
    device: str = "cpu",
    threads: int = 1,
) -> Network:
    """Load a model and its parts on a device.

    Args:
        store: Where the weights are.
        catalogue: Where the parts' entries are.
        spec: The model.
        device: "cpu", "cuda:<i>" or "sim:<MB>".
        threads: Threads one operator may use.

    Raises:
        WeightsMissing: run `facesocial models pull`.
        WeightsCorrupt: a file is damaged.
        ContractMismatch: a graph is not what the catalogue declares, or answers with values that
            are no numbers.
        ModelsError: see `models.session.open_session`.
    """
    own, *parts = (
        _open(store, part, device=device, threads=threads) for part in catalogue.with_parts(spec)
    )
    return Network(spec=spec, session=own, parts=dict(zip(spec.parts, parts, strict=True)))


def _open(store: WeightStore, spec: ModelSpec, *, device: str, threads: int) -> InferenceSession:
    session = open_session(store.prepared(spec), device=device, threads=threads)
    verify_contract(session, spec)
    _warm_up(session, spec)
    return session


def _warm_up(session: InferenceSession, spec: ModelSpec) -> None:
    """Run once on zeros, so that the first job does not pay for lazy initialisation."""
    answers = session.run(
        {
            name: np.zeros(
                [dim if isinstance(dim, int) else WARM_UP_SIZES[dim] for dim in tensor.dims],
                dtype=tensor.dtype,
            )
            for name, tensor in spec.inputs.items()
        }
    )
    for name, answer in answers.items():
        if not np.isfinite(answer).all():
            raise ContractMismatch(
                f"{spec.id}: output '{name}' holds values that are no numbers for a black image."
                " The weights are damaged or were converted wrongly."
            )
