"""Opening a model: its graphs from the weight store, checked against the catalogue, warmed up."""

from dataclasses import dataclass
from pathlib import Path

import structlog

from models.catalogue import Catalogue
from models.contract import InferenceSession, SessionWrap, close, verify_contract
from models.described import fit
from models.errors import VariantRefused
from models.graphs.fuse import check_fused, fuse
from models.litert import open_litert
from models.machine import this_machine
from models.network import Network
from models.providers import TensorRt
from models.session import open_session
from models.spec import ModelSpec, PinnedSpec, Variant
from models.warm_up import warm_buckets, warm_up
from models.weights.store import WeightStore
from models.weights.tuning_file import Choice, TuningFile, choice
from models.weights.variants import VariantCache

#: What a CPU runs where nothing was chosen: exact to rounding on every machine, which an 8-bit
#: graph is not.
DEFAULT = Choice(variant="fused")

_log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True, slots=True)
class Opening:
    """How a model is opened where not as by default."""

    #: Cap on the GPU arena of each of its sessions, see models.memory.arena_limit_bytes.
    memory_limit_bytes: int | None = None
    #: See models.session.open_session.
    tensorrt: TensorRt | None = None
    #: Larger batches are not allowed; None: all of the entry's.
    largest_bucket: int | None = None
    #: Run every allowed batch size before answering, so that no job is the first of its size.
    warm_all: bool = False
    #: Puts something between each graph's session and its users.
    wrap: SessionWrap | None = None


AS_EVER = Opening()


def runs_on(spec: ModelSpec, device: str) -> str:
    """Where a model computes when it is opened on a device: TFLite models on the CPU, always.

    Such a model takes no memory of a device and has no place in its ledger.
    """
    return "cpu" if _is_tflite(spec) else device


def open_network(  # noqa: PLR0913 - all but three have defaults
    store: WeightStore,
    catalogue: Catalogue,
    spec: ModelSpec,
    *,
    device: str = "cpu",
    threads: int = 1,
    variant: Variant | None = None,
    opening: Opening = AS_EVER,
) -> Network:
    """Load a model and its parts on a device.

    Args:
        store: Where the weights are.
        catalogue: Where the parts' entries are.
        spec: The model.
        device: "cpu", "cuda:<i>" or "sim:<MB>".
        threads: Threads one operator may use.
        variant: Which of its graphs to run; when not given, fp32 on CUDA, and on the CPU what
            `tuning.json` says, else the default. `Network.variant` says which one it became.
        opening: Further options.

    Raises:
        WeightsMissing: the message says how to get the file.
        WeightsCorrupt: a file is damaged.
        VariantRefused: the given variant can't be had for this model, or not on this device.
        ContractMismatch: a graph is not what the catalogue declares, or answers with values that
            are no numbers.
        ModelsError: see `models.session.open_session`.
    """
    known = store.known(spec)
    chosen = _chosen(store, known, device, threads) if variant is None else Choice(variant=variant)
    graph, ran = _graph(store, known, device, chosen.variant, strict=variant is not None)
    buckets = _buckets(known, device, chosen if ran == chosen.variant else DEFAULT)
    allowed = known.model_copy(update={"batch_buckets": _up_to(opening.largest_bucket, buckets)})
    session, fitted = _open(graph, allowed, device=device, threads=threads, opening=opening)
    parts: dict[str, InferenceSession] = {}
    try:
        for part in catalogue.with_parts(spec)[1:]:
            pinned = store.known(part)
            wanted = _chosen(store, pinned, device, threads).variant
            graph, _ = _graph(store, pinned, device, wanted, strict=False)
            parts[part.id], _ = _open(
                graph, pinned, device=device, threads=threads, opening=opening
            )
    except BaseException:
        close(session, *parts.values())
        raise
    return Network(spec=fitted, session=session, variant=ran, parts=parts)


def fused_graph(store: WeightStore, spec: PinnedSpec) -> Path | bytes:
    """The `fused` variant of a model; made first when it is not there yet.

    Raises:
        VariantRefused: nothing would be written differently, or it answers differently.
        ModelsError: see WeightStore.prepared.
    """

    def build(original: Path) -> bytes:
        content = original.read_bytes()
        fused = fuse(content, spec)
        check_fused(content, fused, spec, open_session)
        return fused

    return cache_of(store).make(spec, "fused", build)


def cache_of(store: WeightStore) -> VariantCache:
    """The store's variants for this machine."""
    return VariantCache(store, machine=this_machine())


def runs_variants(spec: PinnedSpec, device: str) -> bool:
    """Whether a model has any graph but fp32 on a device: on the CPU, in ONNX Runtime.

    One whose tensors' names are not known beforehand has none: making one needs the names.
    """
    return not (device.startswith("cuda") or spec.described or _is_tflite(spec))


def _chosen(store: WeightStore, spec: PinnedSpec, device: str, threads: int) -> Choice:
    if not runs_variants(spec, device):
        return Choice(variant="fp32")
    tuning = TuningFile(store.root).read()
    return choice(tuning, spec, this_machine(), threads=threads) or DEFAULT


def _buckets(spec: PinnedSpec, device: str, chosen: Choice) -> tuple[int, ...]:
    """Batch sizes on a device: on the CPU the tuned ones, else the catalogue's for it."""
    if device != "cpu":
        return spec.batch_buckets
    return chosen.batch_buckets or spec.cpu_batch_buckets or spec.batch_buckets


def _up_to(largest: int | None, buckets: tuple[int, ...]) -> tuple[int, ...]:
    """The smallest is always allowed: without it a single face could not be run."""
    return tuple(
        bucket
        for bucket in buckets
        if largest is None or bucket <= largest or bucket == min(buckets)
    )


def _graph(
    store: WeightStore, spec: PinnedSpec, device: str, variant: Variant, *, strict: bool
) -> tuple[Path | bytes, Variant]:
    """The graph of a variant, and which one it became: strictly the asked one, or the next best."""
    try:
        return _variant(store, spec, device, variant), variant
    except VariantRefused as error:
        if strict:
            raise
        if variant == "fused":
            # Most graphs hold nothing to rewrite: the prepared one is the default then.
            return store.prepared(spec), "fp32"
        _log.warning("variant_unavailable", model=spec.id, variant=variant, reason=str(error))
        return _graph(store, spec, device, "fused", strict=False)


def _variant(store: WeightStore, spec: PinnedSpec, device: str, variant: Variant) -> Path | bytes:
    if variant == "fp32":
        return store.prepared(spec)
    if not runs_variants(spec, device):
        raise VariantRefused(f"{spec.id} has no graph but fp32 on {device}.")
    return fused_graph(store, spec) if variant == "fused" else _int8_graph(store, spec)


def _int8_graph(store: WeightStore, spec: PinnedSpec) -> Path:
    cache = cache_of(store)
    ready = cache.find(spec, "int8")
    if ready is None:
        raise VariantRefused(
            cache.refusal(spec, "int8")
            or f"{spec.id} has no int8 graph here. Run `facesocial models tune {spec.id}`."
        )
    return ready


def _open(
    graph: Path | bytes, spec: PinnedSpec, *, device: str, threads: int, opening: Opening
) -> tuple[InferenceSession, PinnedSpec]:
    def on(where: str) -> InferenceSession:
        if _is_tflite(spec):
            # The published engines in this format are CPU engines: so they are on every device.
            return open_litert(graph, threads=threads)
        return open_session(
            graph,
            device=where,
            threads=threads,
            memory_limit_bytes=opening.memory_limit_bytes,
            tensorrt=opening.tensorrt,
        )

    session = on(device) if opening.wrap is None else opening.wrap(on, spec)
    try:
        session, fitted = fit(session, spec)
        verify_contract(session, fitted)
        if opening.warm_all:
            # The largest first of all: what the arena gets for it holds the smaller ones too.
            warm_buckets(session, fitted)
        warm_up(session, fitted)
    except BaseException:
        # The error's traceback would keep the half-open session, and so its memory, alive.
        close(session)
        raise
    return session, fitted


def _is_tflite(spec: ModelSpec) -> bool:
    return Path(spec.file.name).suffix == ".tflite"
