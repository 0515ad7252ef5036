"""Models of the catalogue, and wishes of operators."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from api.answers import Answer
from api.answers.devices import Count, HeldModel, Mebibytes
from models.memory import Basis
from models.spec import Task
from vram.records import CommandAction, Priority, Zone

Milliseconds = Annotated[float, Field(ge=0)]


class ModelHistory(Answer):
    """What a device's ledger remembers of a model."""

    #: Uses, halved again and again as time passes.
    frequency: Annotated[float, Field(ge=0)]
    #: What serving it elsewhere has cost since it was last loaded.
    rent_ms: Milliseconds
    load_ms: Milliseconds
    loads: Count
    evictions: Count
    #: Failed loads in a row.
    failures: Count
    #: When the next load may be tried.
    retry_ms: Count


class ModelOnDevice(Answer):
    """A model as one device knows it."""

    device: str
    alive: bool
    entries: tuple[HeldModel, ...]
    history: ModelHistory | None


class CatalogueModel(Answer):
    """One model: what it takes, where it is, what it costs."""

    id: str
    task: Task
    priority: Priority
    zone: Zone
    vram_mb: Mebibytes
    #: How that is known.
    vram_basis: Basis | Literal["measured_on_device"]
    #: Mean times; null until measured.
    gpu_ms: Milliseconds | None
    cpu_ms: Milliseconds | None
    load_ms: Milliseconds | None
    #: Whether any live device has it ready.
    loaded: bool
    devices: tuple[ModelOnDevice, ...]


class CatalogueModels(Answer):
    """Every model of the catalogue."""

    models: tuple[CatalogueModel, ...]


class CommandLinks(Answer):
    """Where to look."""

    #: Events of the device; `done` with the command's id tells how it ended.
    events: str


class CommandLeft(Answer):
    """A wish that was left with one device."""

    id: str
    action: CommandAction
    #: Null: it concerns all of them.
    model: str | None
    device: str
    links: CommandLinks


class CommandsLeft(Answer):
    """The worker that holds the device hears of it at its next sign of life."""

    commands: tuple[CommandLeft, ...]


class WantedDevice(BaseModel):
    """Which device a wish is for."""

    model_config = ConfigDict(frozen=True, extra="forbid", json_schema_extra={"examples": [{}]})

    #: A device's id; null: the one that suits best, or those that hold the model.
    device: Annotated[str, Field(pattern=r"^[!-~]{1,200}$")] | None = None
