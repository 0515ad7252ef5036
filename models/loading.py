"""Opening a model: its graphs from the weight store, checked against the catalogue, warmed up."""

from pathlib import Path

import structlog

from models.catalogue import Catalogue
from models.contract import InferenceSession, verify_contract
from models.described import fit
from models.errors import VariantRefused
from models.graphs.fuse import check_fused, fuse
from models.litert import open_litert
from models.machine import this_machine
from models.network import Network
from models.session import open_session
from models.spec import ModelSpec, PinnedSpec, Variant
from models.warm_up import warm_up
from models.weights.store import WeightStore
from models.weights.tuning_file import Choice, TuningFile, choice
from models.weights.variants import VariantCache

#: What a CPU runs where nothing was chosen: exact to rounding on every machine, which an 8-bit
#: graph is not.
DEFAULT = Choice(variant="fused")

_log = structlog.get_logger()


def open_network(
    store: WeightStore,
    catalogue: Catalogue,
    spec: ModelSpec,
    *,
    device: str = "cpu",
    threads: int = 1,
    variant: Variant | None = None,
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
    session, fitted = _open(graph, known, device=device, threads=threads)
    buckets = _buckets(fitted, device, chosen if ran == chosen.variant else DEFAULT)
    parts: dict[str, InferenceSession] = {}
    for part in catalogue.with_parts(spec)[1:]:
        pinned = store.known(part)
        wanted = _chosen(store, pinned, device, threads).variant
        graph, _ = _graph(store, pinned, device, wanted, strict=False)
        parts[part.id], _ = _open(graph, pinned, device=device, threads=threads)
    return Network(
        spec=known.model_copy(update={"batch_buckets": buckets}),
        session=session,
        variant=ran,
        parts=parts,
    )


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
    """Batch sizes on a device: the tuned ones, else the catalogue's for it."""
    if device.startswith("cuda"):
        return spec.batch_buckets
    return chosen.batch_buckets or spec.cpu_batch_buckets or spec.batch_buckets


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
    graph: Path | bytes, spec: PinnedSpec, *, device: str, threads: int
) -> tuple[InferenceSession, PinnedSpec]:
    session: InferenceSession
    if isinstance(graph, Path) and graph.suffix == ".tflite":
        # The published engines in this format are CPU engines: so they are on every device.
        session = open_litert(graph, threads=threads)
    else:
        session = open_session(graph, device=device, threads=threads)
    session, fitted = fit(session, spec)
    verify_contract(session, fitted)
    warm_up(session, fitted)
    return session, fitted


def _is_tflite(spec: PinnedSpec) -> bool:
    return Path(spec.file.name).suffix == ".tflite"
