"""Which models this process has loaded, and where: the one place where models meet the ledger."""

from dataclasses import dataclass
from typing import Protocol

import structlog

from models.catalogue import Catalogue
from models.loading import open_network
from models.network import Network
from models.spec import ModelSpec, Task
from models.store import WeightStore
from vram.ledger import Admission, Resident
from vram.probe import MemoryProbe

#: The models a worker keeps loaded in this version: those of the one pipeline.
TASKS: tuple[Task, ...] = ("detection", "recognition", "age", "gender")

_log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True, slots=True)
class LoadedModel:
    """A model ready to run."""

    network: Network
    #: "cpu", "cuda:0", "sim:6144": not the worker's device when the ledger refused it there.
    device: str


class Account(Protocol):
    """A device's account in the ledger, as its one holder sees it: workers.device_holder."""

    def admit(self, resident: Resident) -> Admission:
        """See VramLedger.admit."""
        ...

    def release(self, model: str) -> None:
        """See VramLedger.release."""
        ...


class Residency:
    """Loads models once and keeps them for the life of the process.

    Args:
        store: Where the weights are.
        catalogue: What they are.
        device: "cpu", "cuda:<i>" or "sim:<MB>".
        threads: ONNX Runtime threads per session.
        account: The device's account in the ledger; None on the CPU.
        probe: Reads the device's memory; None on the CPU.
    """

    def __init__(
        self,
        *,
        store: WeightStore,
        catalogue: Catalogue,
        device: str = "cpu",
        threads: int = 1,
        account: Account | None = None,
        probe: MemoryProbe | None = None,
    ) -> None:
        self._store = store
        self._catalogue = catalogue
        self._threads = threads
        self._account = account
        self._probe = probe
        self._loaded: dict[Task, LoadedModel] = {}
        self.device = device

    def load(self) -> None:
        """Load and warm up every model of the pipeline, in the order of TASKS.

        Raises:
            ModelsError: a model can't be loaded at all.
            LedgerUnavailable: nothing may be loaded on a device meanwhile.
        """
        for task in TASKS:
            if task not in self._loaded:
                self._loaded[task] = self._load(self._catalogue.for_task(task))

    def model(self, task: Task) -> LoadedModel:
        """The loaded model of a task; `load` was called before."""
        return self._loaded[task]

    def _load(self, spec: ModelSpec) -> LoadedModel:
        if self._account is None:
            return self._open(spec, "cpu")
        file_bytes = self._store.prepared(spec).stat().st_size
        resident = Resident(model=spec.id, vram_bytes=file_bytes, basis="weights_file")
        admission = self._account.admit(resident)
        if not admission.granted:
            return self._refused(spec, admission)
        before_bytes = self._probe.used_bytes() if self._probe else 0
        loaded = self._open(spec, self.device)
        if self._probe is None or self.device.startswith("sim:"):
            return loaded
        return self._account_measured(loaded, self._probe.used_bytes() - before_bytes, file_bytes)

    def _account_measured(
        self, loaded: LoadedModel, delta_bytes: int, file_bytes: int
    ) -> LoadedModel:
        """Replace the estimate by what the card says the model took."""
        assert self._account is not None  # noqa: S101 - only called on a device
        # Others may have freed memory meanwhile: less than the weights themselves is no measure.
        spec = loaded.network.spec
        measured = Resident(
            model=spec.id, vram_bytes=max(delta_bytes, file_bytes), basis="device_delta"
        )
        self._account.release(spec.id)
        admission = self._account.admit(measured)
        return loaded if admission.granted else self._refused(spec, admission)

    def _refused(self, spec: ModelSpec, admission: Admission) -> LoadedModel:
        _log.warning(
            "residency.runs_on_cpu",
            model=spec.id,
            device=self.device,
            reason=admission.reason,
            free_bytes=admission.free_bytes,
        )
        return self._open(spec, "cpu")

    def _open(self, spec: ModelSpec, device: str) -> LoadedModel:
        network = open_network(
            self._store, self._catalogue, spec, device=device, threads=self._threads
        )
        provider = network.session.provider
        _log.info("residency.loaded", model=spec.id, device=device, provider=provider)
        return LoadedModel(network=network, device=device)
