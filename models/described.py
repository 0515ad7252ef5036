"""Graphs that no copy of was at hand when their entry was written.

Their publishers describe sizes and meaning, and those are checked. Names of tensors and whether
the batch may vary differ from one export to the next and mean nothing: they are taken from the
graph.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from numpy.typing import NDArray

from models.contract import InferenceSession, ShrinkableSession, TensorInfo, Tensors, close
from models.errors import ContractMismatch
from models.spec import ModelSpec, TensorContract

SomeSpec = TypeVar("SomeSpec", bound=ModelSpec)


class RenamedSession:
    """A session under the names its entry gives to inputs and outputs."""

    def __init__(
        self,
        session: InferenceSession,
        *,
        inputs: Mapping[str, TensorInfo],
        outputs: Mapping[str, TensorInfo],
    ) -> None:
        """Take over a session.

        Args:
            session: The graph as it is.
            inputs: By the graph's own name: what to show instead.
            outputs: The same.
        """
        self._session = session
        self._feeds = {shown.name: own for own, shown in inputs.items()}
        self._answers = {own: shown.name for own, shown in outputs.items()}
        self.inputs = tuple(inputs.values())
        self.outputs = tuple(outputs.values())

    @property
    def provider(self) -> str:
        """The execution provider of the session."""
        return self._session.provider

    def run(self, feeds: Tensors) -> dict[str, NDArray[Any]]:
        """All outputs by name, for inputs by name."""
        return self._shown(self._session.run(self._own(feeds)))

    def run_and_shrink(self, feeds: Tensors) -> dict[str, NDArray[Any]]:
        """Like `run`, and the graph's session shrinks if it is one that can."""
        if isinstance(self._session, ShrinkableSession):
            return self._shown(self._session.run_and_shrink(self._own(feeds)))
        return self.run(feeds)

    def close(self) -> None:
        """Close the graph's session."""
        close(self._session)

    def _own(self, feeds: Tensors) -> dict[str, NDArray[Any]]:
        return {self._feeds.get(name, name): value for name, value in feeds.items()}

    def _shown(self, answers: Tensors) -> dict[str, NDArray[Any]]:
        return {self._answers[name]: value for name, value in answers.items()}


def fit(session: InferenceSession, spec: SomeSpec) -> tuple[InferenceSession, SomeSpec]:
    """Bring an entry that was written from descriptions and its graph together.

    Inputs and outputs are matched by their place. Where the graph fixes the batch, only single
    runs are allowed.

    Raises:
        ContractMismatch: the graph has another number of inputs or outputs.
    """
    if not spec.described:
        return session, spec
    inputs = _matched(session.inputs, spec.inputs, f"{spec.id}: inputs")
    outputs = _matched(session.outputs, spec.outputs, f"{spec.id}: outputs")
    fixed = any(_is_fixed(info) for info in session.inputs)
    single = {"batch_buckets": (1,), "cpu_batch_buckets": None} if fixed else {}
    return RenamedSession(session, inputs=inputs, outputs=outputs), spec.model_copy(update=single)


def _matched(
    found: Sequence[TensorInfo], declared: Mapping[str, TensorContract], where: str
) -> dict[str, TensorInfo]:
    if len(found) != len(declared):
        names = [info.name for info in found]
        raise ContractMismatch(f"{where}: expected {len(declared)}, found {len(names)}: {names}.")
    return {
        info.name: TensorInfo(name=name, dtype=info.dtype, dims=_free_batch(info, contract))
        for info, (name, contract) in zip(found, declared.items(), strict=True)
    }


def _free_batch(info: TensorInfo, contract: TensorContract) -> tuple[int | str | None, ...]:
    """The graph's own sizes, but for the batch: 1 and "any" are both what an entry may say."""
    if not info.dims or len(info.dims) != len(contract.dims):
        return info.dims
    own, said = info.dims[0], contract.dims[0]
    either = own in {1, None} or isinstance(own, str)
    return (said, *info.dims[1:]) if either and said in {1, "batch"} else info.dims


def _is_fixed(info: TensorInfo) -> bool:
    return bool(info.dims) and isinstance(info.dims[0], int)
