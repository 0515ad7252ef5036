"""A short measured run of a model's variants: made, judged, timed in turn, the best kept."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from models.catalogue import Catalogue
from models.contract import InferenceSession
from models.errors import VariantRefused, WeightsMissing
from models.loading import cache_of, open_network, runs_variants
from models.machine import this_machine
from models.spec import ModelSpec, PinnedSpec, Variant
from models.tuning.calibration_faces import calibration_faces
from models.tuning.int8 import build_int8
from models.tuning.speed import measure
from models.weights.store import State, WeightStore
from models.weights.tuning_file import Choice, Measured, Speed, TuningFile, pick
from models.weights.variants import VARIANTS

#: Batch sizes tried for models that take a batch.
BUCKETS = (1, 2, 4, 8, 16)


@dataclass(frozen=True, kw_only=True, slots=True)
class Tuned:
    """What a tuning run found for one model."""

    model: str
    #: Every accepted variant with every batch size.
    speeds: tuple[Speed, ...]
    #: Why the other variants can't be had, by variant.
    refused: Mapping[Variant, str]
    #: The best, kept in `tuning.json`.
    chosen: Choice


def tune(
    store: WeightStore, catalogue: Catalogue, spec: ModelSpec, *, threads: int, seconds: float
) -> Tuned:
    """Measure a model's variants on this machine's CPU and keep the best.

    Args:
        store: Has its weights; the result is written there.
        catalogue: Where parts and sample photos are described.
        spec: The model.
        threads: Threads an operator will use.
        seconds: About how long the measured run takes; making an int8 graph takes longer, once.

    Raises:
        ModelsError: the model can't be opened, or the store can't be written.
    """
    known = store.known(spec)
    sessions: dict[Variant, InferenceSession] = {}
    refused: dict[Variant, str] = {}
    for variant in VARIANTS if runs_variants(known, "cpu") else VARIANTS[:1]:
        try:
            if variant == "int8":
                make_int8(store, catalogue, known)
            network = open_network(store, catalogue, spec, threads=threads, variant=variant)
            sessions[variant] = network.session
        except (VariantRefused, WeightsMissing) as error:
            if variant == "fp32":
                raise
            refused[variant] = str(error)
    buckets = BUCKETS if len(spec.batch_buckets) > 1 else (1,)
    speeds = tuple(measure(sessions, spec, buckets=buckets, threads=threads, seconds=seconds))
    chosen = pick(speeds)
    _keep(store, known, chosen, threads)
    return Tuned(model=spec.id, speeds=speeds, refused=refused, chosen=chosen)


def make_int8(store: WeightStore, catalogue: Catalogue, spec: PinnedSpec) -> None:
    """Make the `int8` variant of a recognition model, unless it was made or refused before.

    Raises:
        VariantRefused: it is not close enough to fp32, or the model is no recogniser.
        WeightsMissing: a sample photo or the detector it is calibrated with is not in the store.
    """
    if spec.task != "recognition":
        # Measured with YuNet: half as fast in int8 (16 to 64 channels), see graph-variants.md.
        raise VariantRefused(f"{spec.id}: int8 is for recognition models only.")

    def build(graph: Path) -> bytes:
        try:
            faces = calibration_faces(store, catalogue, spec)
        except WeightsMissing as error:
            raise WeightsMissing(
                f"{spec.id}: int8 graphs are calibrated on the sample photos' faces. Run"
                " `facesocial models pull yunet --samples`."
            ) from error
        return build_int8(graph, spec, faces)

    cache_of(store).make(spec, "int8", build)


def pinnable(store: WeightStore, catalogue: Catalogue, spec: ModelSpec, wanted: str) -> Variant:
    """A variant a person may pin: made, accepted and loadable.

    Raises:
        VariantRefused: there is no such variant, or not for this model.
        ModelsError: the model can't be opened.
    """
    for variant in VARIANTS:
        if variant == wanted:
            if variant == "int8":
                make_int8(store, catalogue, store.known(spec))
            open_network(store, catalogue, spec, variant=variant)
            return variant
    raise VariantRefused(f"'{wanted}' is no variant; there are {', '.join(VARIANTS)}.")


def reset(store: WeightStore, specs: Sequence[ModelSpec]) -> None:
    """Forget what was measured, pinned and refused for models; the next run tries all again.

    Raises:
        WeightsError: the store can't be written.
    """
    TuningFile(store.root).reset(spec.id for spec in specs)
    for spec in specs:
        if store.model_state(spec) is not State.MISSING:
            cache_of(store).forget_refusal(store.known(spec), "int8")


def _keep(store: WeightStore, spec: PinnedSpec, chosen: Choice, threads: int) -> None:
    machine = this_machine()
    measured = Measured(
        sha256=spec.file.sha256,
        threads=threads,
        machine=f"{machine.cpu}, {machine.runtime}",
        measured_at=datetime.now(UTC).isoformat(timespec="seconds"),
        variant=chosen.variant,
        batch_buckets=chosen.batch_buckets or (1,),
    )
    TuningFile(store.root).record(machine, spec.id, measured)
