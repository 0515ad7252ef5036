"""What is simulated: models, and who asks for which when."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from vram.records import Priority


@dataclass(frozen=True, kw_only=True, slots=True)
class SimulatedModel:
    """What the simulation knows of a model."""

    id: str
    #: On the card, with its working memory.
    vram_mib: int
    #: Load and warm-up.
    load_ms: float
    #: One item on the card, and on one CPU process.
    gpu_ms: float
    cpu_ms: float
    priority: Priority = "medium"
    #: Whether it may be served on the CPU.
    has_fallback: bool = True

    @property
    def penalty_ms(self) -> float:
        """What one item costs more on the CPU; never negative."""
        return max(0.0, self.cpu_ms - self.gpu_ms)


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """Somebody asks for a model."""

    at_ms: int
    model: str
    #: Faces or images.
    items: int = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Trace:
    """A load: requests in order of time, all for models in `models`."""

    name: str
    models: Mapping[str, SimulatedModel]
    requests: Sequence[Request]

    @property
    def working_set_mib(self) -> int:
        """Room that all models asked for would take together."""
        used = {request.model for request in self.requests}
        return sum(self.models[model].vram_mib for model in used)

    @property
    def seconds(self) -> float:
        """From the first request to the last."""
        if not self.requests:
            return 0.0
        return (self.requests[-1].at_ms - self.requests[0].at_ms) / 1000.0
