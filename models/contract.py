"""The port to the inference runtime, and the check that a graph is the one declared."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from numpy.typing import NDArray

from models.errors import ContractMismatch
from models.spec import ModelSpec, TensorContract

#: Tensors by name.
Tensors = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, kw_only=True, slots=True)
class TensorInfo:
    """What a loaded graph says of one input or output."""

    name: str
    #: NumPy name: "float32".
    dtype: str
    #: Fixed sizes, or a name (or None) for a dimension that may vary.
    dims: tuple[int | str | None, ...]


class InferenceSession(Protocol):
    """A loaded graph. Not shared between threads."""

    @property
    def inputs(self) -> tuple[TensorInfo, ...]:
        """The graph's inputs, without constants."""
        ...

    @property
    def outputs(self) -> tuple[TensorInfo, ...]:
        """The graph's outputs."""
        ...

    @property
    def provider(self) -> str:
        """The execution provider the session really got, e.g. "CPUExecutionProvider"."""
        ...

    def run(self, feeds: Tensors) -> dict[str, NDArray[Any]]:
        """All outputs by name, for inputs by name.

        Raises:
            InferenceFailed: the runtime refused, e.g. for a wrong shape or lack of memory.
        """
        ...


def verify_contract(session: InferenceSession, spec: ModelSpec) -> None:
    """Check that a session has the inputs and outputs the catalogue declares.

    A dimension declared by number must have that size; one declared by name must be dynamic.

    Raises:
        ContractMismatch: it has not; the message names what was expected and what was found.
    """
    for side, declared, found in (
        ("input", spec.inputs, session.inputs),
        ("output", spec.outputs, session.outputs),
    ):
        by_name = {info.name: info for info in found}
        if set(by_name) != set(declared):
            raise ContractMismatch(
                f"{spec.id}: expected {side}s {sorted(declared)}, found {sorted(by_name)}."
            )
        for name, contract in declared.items():
            _verify_tensor(f"{spec.id}: {side} '{name}'", contract, by_name[name])


def _verify_tensor(where: str, contract: TensorContract, info: TensorInfo) -> None:
    expected = f"{contract.dtype}{list(contract.dims)}"
    found = f"{info.dtype}{list(info.dims)}"
    if info.dtype != contract.dtype or len(info.dims) != len(contract.dims):
        raise ContractMismatch(f"{where}: expected {expected}, found {found}.")
    for declared, actual in zip(contract.dims, info.dims, strict=True):
        if isinstance(declared, int) and actual != declared:
            raise ContractMismatch(f"{where}: expected {expected}, found {found}.")
        if isinstance(declared, str) and isinstance(actual, int):
            raise ContractMismatch(f"{where}: expected {expected}, found {found}.")
