"""Which variant and batch sizes of a model this machine runs fastest: `tuning.json` in the store.

Measured by `facesocial models tune`, or pinned by a person. A measurement counts only where the
processor, ONNX Runtime, the number of threads and the weights are those it was made with; any
other is ignored, and the model runs as without tuning.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import structlog
from pydantic import Field, ValidationError, field_validator

from models.machine import Machine
from models.spec import Entry, PinnedSpec, Sha256, Variant
from models.weights.files import disk_errors, write_whole
from models.weights.layout import Layout
from models.weights.variants import VARIANTS

#: How much faster a more changed graph has to be to be picked: 1.1 is 10 %. Less is noise on a
#: machine that does other work, and the graph nearer to the published one is the safer one.
MIN_VARIANT_GAIN = 1.1
#: How much faster a larger batch has to be: it also makes the first answer wait for the last.
MIN_BATCH_GAIN = 1.03

_log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True, slots=True)
class Speed:
    """How fast one graph is with one batch size."""

    variant: Variant
    #: Inputs in one run.
    batch: int
    #: Inputs per second, see models.tuning.speed.undisturbed.
    per_second: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """What to run."""

    variant: Variant
    #: None: the catalogue's.
    batch_buckets: tuple[int, ...] | None = None


class Measured(Entry):
    """What was found fastest, and with what."""

    #: Hash of the published weights.
    sha256: Sha256
    #: Threads of an operator.
    threads: int = Field(gt=0)
    #: Name of the processor and of ONNX Runtime, for people.
    machine: str
    #: ISO 8601, UTC.
    measured_at: str
    variant: Variant
    #: Allowed batch sizes; 1 is among them, so that they make up every count.
    batch_buckets: tuple[Annotated[int, Field(gt=0)], ...]

    @field_validator("batch_buckets")
    @classmethod
    def _makes_up_every_count(cls, sizes: tuple[int, ...]) -> tuple[int, ...]:
        if 1 not in sizes:
            raise ValueError(f"batch sizes {list(sizes)} must include 1")
        return sizes


class Tuning(Entry):
    """The content of `tuning.json`."""

    #: By key of the machine, then by id of the model.
    measured: dict[str, dict[str, Measured]] = Field(default_factory=dict)
    #: By id of the model: what a person decided, on any machine.
    pins: dict[str, Variant] = Field(default_factory=dict)


class TuningFile:
    """`tuning.json` of a weight store; several processes may use it at once."""

    def __init__(self, root: Path) -> None:
        self._layout = Layout(root)

    @property
    def path(self) -> Path:
        """The file, whether it is there or not."""
        return self._layout.root / "tuning.json"

    def read(self) -> Tuning:
        """Its content; empty where there is none, or it can't be read, which is logged."""
        try:
            return Tuning.model_validate_json(self.path.read_bytes())
        except FileNotFoundError:
            return Tuning()
        except (ValidationError, OSError) as error:
            _log.warning("tuning_unreadable", path=str(self.path), reason=str(error))
            return Tuning()

    def record(self, machine: Machine, model_id: str, measured: Measured) -> None:
        """Keep a measurement; one of the same model and machine is replaced.

        Raises:
            WeightsError: the store can't be written.
        """
        with disk_errors(self._layout.root), self._layout.locked(["tuning"]):
            old = self.read()
            here = {**old.measured.get(machine.key, {}), model_id: measured}
            self._write(Tuning(measured={**old.measured, machine.key: here}, pins=old.pins))

    def pin(self, pins: dict[str, Variant]) -> None:
        """Decide variants by model id, whatever was measured.

        Raises:
            WeightsError: the store can't be written.
        """
        with disk_errors(self._layout.root), self._layout.locked(["tuning"]):
            old = self.read()
            self._write(Tuning(measured=old.measured, pins={**old.pins, **pins}))

    def reset(self, ids: Iterable[str]) -> None:
        """Forget measurements and pins of models, on all machines.

        Raises:
            WeightsError: the store can't be written.
        """
        gone = set(ids)
        with disk_errors(self._layout.root), self._layout.locked(["tuning"]):
            old = self.read()
            measured = {
                machine: {name: kept for name, kept in here.items() if name not in gone}
                for machine, here in old.measured.items()
            }
            pins = {name: kept for name, kept in old.pins.items() if name not in gone}
            self._write(Tuning(measured=measured, pins=pins))

    def _write(self, tuning: Tuning) -> None:
        write_whole(self.path, (tuning.model_dump_json(indent=2) + "\n").encode())


def choice(tuning: Tuning, spec: PinnedSpec, machine: Machine, *, threads: int) -> Choice | None:
    """What tuning says of a model on a machine; None where it says nothing that holds there."""
    found = tuning.measured.get(machine.key, {}).get(spec.id)
    if found is not None and (found.sha256, found.threads) != (spec.file.sha256, threads):
        found = None
    pinned = tuning.pins.get(spec.id)
    if pinned is not None:
        same = found is not None and found.variant == pinned
        return Choice(variant=pinned, batch_buckets=found.batch_buckets if found and same else None)
    if found is None:
        return None
    return Choice(variant=found.variant, batch_buckets=found.batch_buckets)


def pick(speeds: Sequence[Speed]) -> Choice:
    """The fastest variant, and the batch sizes that are worth their wait.

    Args:
        speeds: At least one; every variant with a batch of 1.
    """
    best = {
        variant: max(speed.per_second for speed in speeds if speed.variant == variant)
        for variant in VARIANTS
        if any(speed.variant == variant for speed in speeds)
    }
    chosen, *more_changed = best
    for variant in more_changed:
        if best[variant] >= MIN_VARIANT_GAIN * best[chosen]:
            chosen = variant
    return Choice(variant=chosen, batch_buckets=_worthwhile(speeds, chosen))


def _worthwhile(speeds: Sequence[Speed], variant: Variant) -> tuple[int, ...]:
    by_batch = {speed.batch: speed.per_second for speed in speeds if speed.variant == variant}
    kept, fastest = [1], by_batch[1]
    for batch in sorted(by_batch):
        if by_batch[batch] >= MIN_BATCH_GAIN * fastest:
            kept.append(batch)
            fastest = by_batch[batch]
    return tuple(kept)
