"""A model in use, and the device that lends it: what `workers.devices.residency` needs of one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from models.network import Network
from models.spec import ModelSpec

V = TypeVar("V")


@dataclass(frozen=True, kw_only=True, slots=True)
class LoadedModel:
    """A model ready to run."""

    network: Network
    #: "cpu", "cuda:0", "sim:6144": not the worker's device when it could not be had there.
    device: str
    #: Why it is not on the worker's device, see `NotOnDevice.reason`; None: it is, or it never
    #: runs on one.
    reason: str | None = None
    _views: dict[Any, Any] = field(default_factory=dict, repr=False, compare=False)

    def view(self, kind: Callable[[Network], V]) -> V:
        """What a family makes of the network, e.g. `FaceEmbedder`; made once, ends with the model.

        Whoever runs one after its use has ended finds its sessions closed.
        """
        if kind not in self._views:
            self._views[kind] = kind(self.network)
        return self._views[kind]  # type: ignore[no-any-return]  # made by `kind` above


class NotOnDevice(Exception):
    """A model can't be had on the device now."""

    def __init__(self, reason: str, message: str = "", *, retry_ms: int = 0) -> None:
        super().__init__(message or reason)
        #: As code: a reason of `vram.answers`, or one of `workers.devices.refusals`.
        self.reason = reason
        #: When asking again makes sense; 0: unknown.
        self.retry_ms = retry_ms


@dataclass(frozen=True, kw_only=True, slots=True)
class Grip:
    """A model on the device that is not unloaded before it is let go."""

    gen: int
    token: str
    model: LoadedModel


class ModelsOnDevice(Protocol):
    """The device of this process; see workers.devices.models."""

    @property
    def loaded(self) -> frozenset[str]:
        """Ids of the models that are loaded there."""
        ...

    @property
    def recycle_wanted(self) -> str | None:
        """Why this process should end once its work is done; None: it need not."""
        ...

    def acquire(self, spec: ModelSpec, token: str, *, may_use_cpu: bool) -> Grip:
        """Get hold of a model, loading it first if need be.

        Raises:
            NotOnDevice: it can't be had there.
        """
        ...

    def release(self, grip: Grip) -> None:
        """Let go of a model."""
        ...

    def preload(self, specs: Sequence[ModelSpec]) -> None:
        """Load models before anybody asks, critical ones first; nobody leaves for the others."""
        ...
