"""Which models this process uses, and where each runs: the one place where models meet devices."""

import threading
import uuid
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import structlog

from models.catalogue import Catalogue
from models.errors import WeightsMissing
from models.loading import Opening, open_network, runs_on
from models.spec import ModelSpec, Task
from models.weights.store import WeightStore
from workers.devices.installed import Installed
from workers.devices.loaded import LoadedModel, ModelsOnDevice, NotOnDevice
from workers.devices.timings import Timings, on_cpu
from workers.errors import ModelRefused
from workers.notes import Note, Notes

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
#: In this order models are taken into use: a later one never makes an earlier one leave.
_RANK = {"critical": 0, "high": 1, "medium": 2, "low": 3}

_log = structlog.get_logger()


class Residency:
    """Gives models to whoever needs them: on the device, else on the CPU, where they are kept.

    Args:
        store: Where the weights are.
        catalogue: What they are.
        device: "cpu", "cuda:<i>" or "sim:<MB>".
        threads: ONNX Runtime threads per session.
        on_device: The device's models; None on the CPU.
        never_on_cpu: Tasks whose models are refused where the device can't have them.
        timings: Told how long runs on the CPU take.
        notes: Where it is told what went otherwise than planned.
    """

    def __init__(  # noqa: PLR0913 - all but two have defaults
        self,
        *,
        store: WeightStore,
        catalogue: Catalogue,
        device: str = "cpu",
        threads: int = 1,
        on_device: ModelsOnDevice | None = None,
        never_on_cpu: Collection[Task] = (),
        timings: Timings | None = None,
        notes: Notes | None = None,
    ) -> None:
        self._open = partial(open_network, store, catalogue, threads=threads)
        self._on_device = on_device
        self._never_on_cpu = frozenset(never_on_cpu)
        self._timings = timings or Timings(cpu_ratio=1.0)
        self._notes = notes or Notes()
        self._on_cpu: dict[str, LoadedModel] = {}
        self._lock = threading.RLock()
        self._installed = Installed(store, catalogue)
        self.catalogue = catalogue
        self.device = device

    def load(self) -> None:
        """Load and warm up the default model of every task, critical ones first.

        A task none of whose models is installed is left out, detection excepted: its analysis
        answers that it is unavailable. On a device nothing leaves for them.

        Raises:
            ModelsError: a model that is installed can't be loaded, or no detector is there.
        """
        specs = []
        for task in TASKS:
            try:
                specs.append(self.catalogue.model(self.pick(self.catalogue.defaults.get(task, ()))))
            except WeightsMissing as error:
                if task == "detection":
                    raise
                _log.warning("residency.task_unavailable", task=task, reason=str(error))
        if self._on_device is not None:
            self._on_device.preload([spec for spec in specs if self._belongs_on_device(spec)])
            specs = [spec for spec in specs if not self._belongs_on_device(spec)]
        for spec in specs:
            self._cpu_model(spec)

    @property
    def installed(self) -> frozenset[str]:
        """Ids of the models whose weights, parts included, were in the store at the last look."""
        return self._installed.ids

    @property
    def loaded(self) -> frozenset[str]:
        """Ids of the models that are loaded."""
        return frozenset(self._on_cpu) | self.on_device

    @property
    def on_device(self) -> frozenset[str]:
        """Ids of the models that are loaded on a device other than the CPU."""
        return frozenset() if self._on_device is None else self._on_device.loaded

    @property
    def recycle_wanted(self) -> str | None:
        """Why this process should end once its work is done; None: it need not."""
        return None if self._on_device is None else self._on_device.recycle_wanted

    @contextmanager
    def use(self, ids: Sequence[str], *, some: bool = False) -> Iterator[list[LoadedModel]]:
        """Models for as long as they are needed: none of them is unloaded before the end.

        Args:
            ids: Which ones; they come in this order.
            some: Leave those out that are refused, unless all are.

        Raises:
            ModelRefused: one can't be had on the device and may not run on the CPU.
            WeightsMissing: the weights of one are not in the store.
            ModelsError: one can't be loaded on the CPU.
        """
        wanted = sorted(set(ids), key=self._order)
        token = uuid.uuid4().hex
        taken: dict[str, LoadedModel] = {}
        with ExitStack() as uses:
            refusals = []
            for model_id in wanted:
                try:
                    taken[model_id] = self._take(self.catalogue.model(model_id), token, uses)
                except ModelRefused as refusal:
                    refusals.append(refusal)
                    if not some or len(refusals) == len(wanted):
                        raise
            yield [taken[model_id] for model_id in ids if model_id in taken]

    def take_notes(self) -> tuple[Note, ...]:
        """What went otherwise than planned since this was last asked."""
        return self._notes.take()

    def model(self, model_id: str) -> LoadedModel:
        """A model on the CPU by its id; loaded now if it is not yet, and then kept.

        For commands and other callers without a device; the stages of a worker `use` theirs.

        Raises:
            WeightsMissing: its weights are not in the store.
            ModelsError: it can't be loaded.
        """
        return self._cpu_model(self.catalogue.model(model_id))

    def for_task(self, task: Task) -> LoadedModel:
        """The default model of a task, on the CPU: the first whose weights are installed.

        Raises:
            WeightsMissing: none is.
            ModelsError: it can't be loaded.
        """
        return self.first_installed(self.catalogue.defaults.get(task, ()))

    def first_installed(self, ids: Iterable[str]) -> LoadedModel:
        """The first of several models whose weights are installed, on the CPU.

        Raises:
            WeightsMissing: none is.
            ModelsError: it can't be loaded.
        """
        return self.model(self.pick(ids))

    def first_installed_set(self, sets: Sequence[Sequence[str]]) -> list[LoadedModel]:
        """The first set of models all of whose weights are installed, on the CPU.

        Raises:
            WeightsMissing: none is.
            ModelsError: one of them can't be loaded.
        """
        return [self.model(model_id) for model_id in self.pick_set(sets)]

    def pick(self, ids: Iterable[str]) -> str:
        """The id of the first of several models whose weights are installed.

        Raises:
            WeightsMissing: none is.
        """
        return self._installed.pick(ids)

    def pick_set(self, sets: Sequence[Sequence[str]]) -> list[str]:
        """The first set of ids, best first, all of whose weights are installed.

        Raises:
            WeightsMissing: none is.
        """
        return self._installed.pick_set(sets)

    def _order(self, model_id: str) -> tuple[bool, int]:
        spec = self.catalogue.model(model_id)
        return spec.task not in self._never_on_cpu, _RANK[spec.priority]

    def _belongs_on_device(self, spec: ModelSpec) -> bool:
        return self._on_device is not None and runs_on(spec, self.device) != "cpu"

    def _take(self, spec: ModelSpec, token: str, uses: ExitStack) -> LoadedModel:
        if self._on_device is None or not self._belongs_on_device(spec):
            return self._cpu_model(spec)
        may_use_cpu = spec.task not in self._never_on_cpu
        try:
            grip = self._on_device.acquire(spec, token, may_use_cpu=may_use_cpu)
        except NotOnDevice as error:
            _log.warning(
                "residency.not_on_device",
                model=spec.id,
                device=self.device,
                reason=error.reason,
                message=str(error),
                cpu=may_use_cpu,
            )
            if not may_use_cpu:
                raise ModelRefused(
                    f"{spec.title} may not run on the CPU, and the device can't have it now:"
                    f" {error}",
                    code=error.reason,
                    retry_ms=error.retry_ms,
                ) from None
            self._notes.add(
                Note(model=spec.id, step="cpu", reason=error.reason, message=str(error))
            )
            return replace(self._cpu_model(spec), reason=error.reason)
        uses.callback(self._on_device.release, grip)
        return grip.model

    def _cpu_model(self, spec: ModelSpec) -> LoadedModel:
        with self._lock:
            if spec.id not in self._on_cpu:
                self._on_cpu[spec.id] = self._open_on_cpu(spec)
            self._timings.used(spec.id)
            return self._on_cpu[spec.id]

    def _open_on_cpu(self, spec: ModelSpec) -> LoadedModel:
        def ran(rows: int, ms: float) -> None:
            self._timings.ran("cpu", spec.id, rows, ms)

        def timed(opener: Any, graph: ModelSpec) -> Any:  # noqa: ANN401 - see SessionWrap
            return on_cpu(opener, ran) if graph.id == spec.id else opener("cpu")

        network = self._open(spec, device="cpu", opening=Opening(wrap=timed))
        _log.info(
            "residency.loaded",
            model=spec.id,
            device="cpu",
            provider=network.session.provider,
            variant=network.variant,
        )
        return LoadedModel(network=network, device="cpu")
