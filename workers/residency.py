"""Which models this process has loaded, and where: the one place where models meet the ledger."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import structlog

from models.catalogue import Catalogue
from models.errors import WeightsMissing
from models.loading import open_network
from models.network import Network
from models.spec import ModelSpec, Task
from models.weights.store import State, WeightStore
from vram.ledger import Admission, Resident
from vram.probe import MemoryProbe

#: Tasks whose default models are loaded when a worker starts; the first must be there.
TASKS: tuple[Task, ...] = (
    "detection",
    "landmarks",
    "recognition",
    "anti_spoofing",
    "age",
    "gender",
    "deepfake",
)

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
        self._threads = threads
        self._account = account
        self._probe = probe
        self._loaded: dict[str, LoadedModel] = {}
        self._installed: frozenset[str] | None = None
        self.catalogue = catalogue
        self.device = device

    def load(self) -> None:
        """Load and warm up the default model of every task, in the order of TASKS.

        A task none of whose models is installed is left out, detection excepted: its analysis
        answers that it is unavailable.

        Raises:
            ModelsError: a model that is installed can't be loaded, or no detector is there.
            LedgerUnavailable: nothing may be loaded on a device meanwhile.
        """
        for task in TASKS:
            try:
                self.for_task(task)
            except WeightsMissing as error:
                if task == "detection":
                    raise
                _log.warning("residency.task_unavailable", task=task, reason=str(error))

    @property
    def installed(self) -> frozenset[str]:
        """Ids of the models whose weights, parts included, were in the store at the last look."""
        if self._installed is None:
            self._installed = frozenset(
                spec.id for spec in self.catalogue.models.values() if self._is_installed(spec)
            )
        return self._installed

    @property
    def loaded(self) -> frozenset[str]:
        """Ids of the models that are loaded."""
        return frozenset(self._loaded)

    @property
    def on_device(self) -> frozenset[str]:
        """Ids of the models that are loaded on a device other than the CPU."""
        return frozenset(name for name, model in self._loaded.items() if model.device != "cpu")

    def model(self, model_id: str) -> LoadedModel:
        """A model by its id; loaded now if it is not yet, and then kept.

        Raises:
            WeightsMissing: its weights are not in the store.
            ModelsError: it can't be loaded.
        """
        if model_id not in self._loaded:
            self._loaded[model_id] = self._load(self.catalogue.model(model_id))
        return self._loaded[model_id]

    def for_task(self, task: Task) -> LoadedModel:
        """The default model of a task: the first whose weights are installed.

        Raises:
            WeightsMissing: none is.
            ModelsError: it can't be loaded.
        """
        return self.first_installed(self.catalogue.defaults.get(task, ()))

    def first_installed(self, ids: Iterable[str]) -> LoadedModel:
        """The first of several models, best first, whose weights are installed.

        Raises:
            WeightsMissing: none is.
            ModelsError: it can't be loaded.
        """
        return self.model(self.pick(ids))

    def pick(self, ids: Iterable[str]) -> str:
        """The id of the first of several models whose weights are installed.

        Raises:
            WeightsMissing: none is.
        """
        wanted = tuple(ids)
        for name in wanted:
            if name in self.installed:
                return name
        # Somebody may have pulled it since.
        self._installed = None
        for name in wanted:
            if name in self.installed:
                return name
        raise WeightsMissing(
            f"The weights of {' or '.join(wanted) or 'any such model'} are not installed here."
            f" Run `facesocial models pull {' '.join(wanted[:1])}`."
        )

    def first_installed_set(self, sets: Sequence[Sequence[str]]) -> list[LoadedModel]:
        """The first set of models, best first, all of whose weights are installed.

        Raises:
            WeightsMissing: none is.
            ModelsError: one of them can't be loaded.
        """
        for ids in sets:
            if self.installed.issuperset(ids):
                return [self.model(model_id) for model_id in ids]
        return [self.model(self.pick([model_id])) for model_id in sets[0]]

    def _is_installed(self, spec: ModelSpec) -> bool:
        ready = (State.PRESENT, State.PREPARED)
        return all(
            self._store.model_state(part) in ready for part in self.catalogue.with_parts(spec)
        )

    def _load(self, spec: ModelSpec) -> LoadedModel:
        if self._account is None:
            return self._open(spec, "cpu")
        file_bytes = sum(
            self._store.prepared(part).stat().st_size for part in self.catalogue.with_parts(spec)
        )
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
            self._store, self.catalogue, spec, device=device, threads=self._threads
        )
        provider = network.session.provider
        _log.info(
            "residency.loaded",
            model=spec.id,
            device=device,
            provider=provider,
            variant=network.variant,
        )
        return LoadedModel(network=network, device=device)
