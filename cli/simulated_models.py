"""The catalogue's models as the simulation needs them: sizes from the table, times from this CPU.

Nobody knows a card's times before the card is there. The time on the CPU is measured now, with the
weights that are installed; the card's is that times `FACESOCIAL_CPU_PERFORMANCE_RATIO`, and a load
is taken to last as long as it does here. Both are assumptions and said to be in every report.
"""

import random
import statistics
from time import perf_counter
from typing import Final

from cli.errors import CliError
from models.catalogue import load_catalogue
from models.contract import InferenceSession
from models.loading import open_network, runs_on
from models.memory import expected_mib
from models.spec import ModelSpec, Task
from models.warm_up import warm_buckets
from models.weights.store import WeightStore
from vram.simulator.trace import Request, SimulatedModel, Trace
from workers.devices.installed import Installed
from workers.settings.process import Settings

#: What "all analyses" ask for, in their order; what is done once a photo, and what for each face.
_PHOTO_TASKS: Final[tuple[Task, ...]] = ("detection", "deepfake")
_FACE_TASKS: Final[tuple[Task, ...]] = (
    "landmarks",
    "recognition",
    "anti_spoofing",
    "age",
    "gender",
)
_RUNS: Final = 5


class SimulatedModels:
    """Measures each model once.

    Args:
        settings: Where the weights are, and what is assumed.
        batch: Batch size the card keeps room for.
    """

    def __init__(self, settings: Settings, *, batch: int) -> None:
        self._settings = settings
        self._batch = batch
        self._catalogue = load_catalogue()
        self._store = WeightStore(settings.weights_path)
        self._installed = Installed(self._store, self._catalogue)
        self._known: dict[str, SimulatedModel] = {}

    @property
    def measured(self) -> bool:
        """Whether any model was."""
        return bool(self._known)

    def known(self, name: str) -> SimulatedModel:
        """A model by its id or alias.

        Raises:
            CliError: it never runs on a card.
            ModelsError: it is unknown, not installed or broken.
        """
        spec = self._catalogue.model(name)
        if runs_on(spec, "cuda:0") == "cpu":
            raise CliError(f"{spec.id} always runs on the CPU; leave it out of the trace.")
        if spec.id not in self._known:
            self._known[spec.id] = self._measured(spec)
        return self._known[spec.id]

    def photos(self, *, per_second: float, faces: float, minutes: float, seed: int) -> Trace:
        """Photos at random moments, each with all analyses.

        Args:
            per_second: Photos, on average.
            faces: Faces in a photo, on average; each has at least one.
            minutes: How long.
            seed: The same one gives the same load.

        Raises:
            ModelsError: a task has no installed model, or it is broken.
        """
        rng = random.Random(seed)  # noqa: S311 - a simulation, no secret
        once = self._chosen(_PHOTO_TASKS)
        each = self._chosen(_FACE_TASKS)
        requests: list[Request] = []
        at_ms = 0.0
        while (at_ms := at_ms + rng.expovariate(per_second) * 1000) < minutes * 60_000:
            found = 1 + _poisson(rng, faces - 1)
            requests += [Request(at_ms=int(at_ms), model=model.id) for model in once]
            requests += [Request(at_ms=int(at_ms), model=model.id, items=found) for model in each]
        name = f"{per_second:g} photos/s, {faces:g} faces each, all analyses"
        models = {model.id: model for model in (*once, *each)}
        return Trace(name=name, models=models, requests=tuple(requests))

    def _chosen(self, tasks: tuple[Task, ...]) -> list[SimulatedModel]:
        ids = [self._installed.pick(self._catalogue.defaults[task]) for task in tasks]
        specs = [self._catalogue.model(one) for one in ids]
        return [self.known(spec.id) for spec in specs if runs_on(spec, "cuda:0") != "cpu"]

    def _measured(self, spec: ModelSpec) -> SimulatedModel:
        settings = self._settings
        started = perf_counter()
        network = open_network(
            self._store, self._catalogue, spec, threads=settings.ort_threads or 1
        )
        load_ms = (perf_counter() - started) * 1000
        graphs = [(network.spec, network.session)] + [
            (self._catalogue.model(part), session) for part, session in network.parts.items()
        ]
        cpu_ms = sum(_run_ms(one, session) for one, session in graphs)
        network.close()
        size = expected_mib(spec, self._batch, catalogue=self._catalogue, cuda=True)
        refuses = spec.task == "anti_spoofing" and settings.anti_spoofing_cpu == "refuse"
        return SimulatedModel(
            id=spec.id,
            vram_mib=max(1, size.mib),
            load_ms=round(load_ms, 1),
            gpu_ms=round(cpu_ms * settings.cpu_performance_ratio, 2),
            cpu_ms=round(cpu_ms, 2),
            priority=spec.priority,
            has_fallback=not refuses,
        )


def _run_ms(spec: ModelSpec, session: InferenceSession) -> float:
    """The median time of a run of one item."""
    times_ms = []
    for _ in range(_RUNS):
        started = perf_counter()
        warm_buckets(session, spec, (1,), times=1)
        times_ms.append((perf_counter() - started) * 1000)
    return statistics.median(times_ms)


def _poisson(rng: random.Random, mean: float) -> int:
    """How many arrivals a unit of time sees, with so many on average."""
    count, passed = 0, rng.expovariate(1.0)
    while passed < mean:
        count += 1
        passed += rng.expovariate(1.0)
    return count
