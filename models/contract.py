"""The port to the inference runtime, and the check that a graph is the one declared."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from numpy.typing import NDArray

from models.errors import ContractMismatch
from models.spec import ModelSpec, PinnedSpec, TensorContract

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
            OutOfMemory: the device has no room for the run.
            DeviceFault: the device needs a new process.
            InferenceFailed: the runtime refused for another reason, e.g. a wrong shape.
        """
        ...


@runtime_checkable
class ShrinkableSession(Protocol):
    """A session that can give unused memory of its arena back to the device."""

    def run_and_shrink(self, feeds: Tensors) -> dict[str, NDArray[Any]]:
        """Like InferenceSession.run; afterwards the arena keeps only what is in use."""
        ...


@runtime_checkable
class ClosableSession(Protocol):
    """A session that can be ended while somebody still holds it."""

    def close(self) -> None:
        """Give its memory back. Later runs raise InferenceFailed; closing again does nothing."""
        ...


#: Opens a certain graph on a device: "cpu", "cuda:<index>" or "sim:<MB>".
Opener = Callable[[str], InferenceSession]
#: Makes the session that a graph's users get, opening it as often and wherever it needs.
SessionWrap = Callable[[Opener, PinnedSpec], InferenceSession]


def close(*sessions: InferenceSession) -> None:
    """Close those that can be; the others end with their last holder."""
    for session in sessions:
        if isinstance(session, ClosableSession):
            session.close()


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
