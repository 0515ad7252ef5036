"""Graphs of the models side by side: variants and batch sizes, session starts, JPEG decoding.

All runs of one model are timed in turn, round after round, and ratios are formed within a round:
absolute figures of a shared machine move, ratios of neighbours hold.
"""

import statistics
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

import cv2
from rich.console import Console

from benchmarks.baseline import machine_facts
from benchmarks.figures import ratios
from benchmarks.jpeg_scales import measure_decoding
from benchmarks.session_start import measure_starts
from models.catalogue import Catalogue, load_catalogue
from models.errors import VariantRefused
from models.graphs.fuse import noise
from models.loading import cache_of, open_network, runs_variants
from models.machine import this_machine
from models.network import Network
from models.spec import ModelSpec, Variant
from models.tuning.speed import DETECTOR_SIDE, clock_for, time_in_turn
from models.tuning.tune import BUCKETS, make_int8
from models.weights.store import State, WeightStore
from models.weights.variants import VARIANTS
from workers.settings.process import Settings

SCHEMA = 1
#: A graph and a batch size.
Case = tuple[Variant, int]


def measure_models(
    settings: Settings, *, names: Sequence[str], seconds: float, console: Console
) -> dict[str, Any]:
    """Measure every installed model, or those named, and answer the report.

    Args:
        settings: Where the weights are, and the threads of a session.
        names: Ids or aliases; none for all that are installed.
        seconds: Rounds of one model are begun for so long.
        console: Where progress is told.

    Raises:
        ModelsError: a named model can't be had.
    """
    cv2.setNumThreads(settings.ort_threads)
    catalogue, store = load_catalogue(), WeightStore(settings.weights_path)
    store.pull_all(sample.file for sample in catalogue.samples.values())
    measured_at = datetime.now(UTC).isoformat(timespec="seconds")
    specs = [catalogue.model(name) for name in names] or [
        spec
        for spec in catalogue.models.values()
        if spec.task != "part" and store.model_state(spec) in {State.PRESENT, State.PREPARED}
    ]
    models: dict[str, Any] = {}
    for spec in specs:
        console.print(f"{spec.id} ...")
        models[spec.id] = _measure_model(store, catalogue, spec, settings.ort_threads, seconds)
    console.print("JPEG decoding ...")
    return {
        "benchmark": "models",
        "schema": SCHEMA,
        "measured_at": measured_at,
        "machine": {
            **machine_facts(cv2.getNumThreads()),
            "features": list(this_machine().features),
        },
        "setup": {
            "ort_threads": settings.ort_threads,
            "seconds_per_model": seconds,
            "clock": "CPU" if settings.ort_threads == 1 else "wall",
        },
        "models": models,
        "decoding": measure_decoding(store, catalogue),
    }


def _measure_model(
    store: WeightStore, catalogue: Catalogue, spec: ModelSpec, threads: int, seconds: float
) -> dict[str, Any]:
    networks, refused = _variants(store, catalogue, spec, threads)
    buckets = BUCKETS if len(spec.batch_buckets) > 1 else (1,)
    feeds = {
        batch: noise(spec, batch=batch, seed=0, height=DETECTOR_SIDE, width=DETECTOR_SIDE)
        for batch in buckets
    }
    runs: dict[Case, Callable[[], object]] = {
        (variant, batch): partial(network.session.run, feeds[batch])
        for variant, network in networks.items()
        for batch in buckets
    }
    taken = time_in_turn(runs, seconds=seconds, clock=clock_for(threads))
    known = store.known(spec)
    paths = {variant: cache_of(store).find(known, variant) for variant in networks}
    return {
        **speed_report(taken),
        "refused": refused,
        "session_start_ms": {
            variant: measure_starts(path, threads=threads)
            for variant, path in paths.items()
            if path is not None and runs_variants(known, "cpu")
        },
    }


def speed_report(taken: Mapping[Case, Sequence[float]]) -> dict[str, Any]:
    """Rates and ratios by graph and batch size.

    Args:
        taken: Seconds of each run, those of one round at one place; fp32 with a batch of 1 is
            what all others are compared with.
    """
    base = taken["fp32", 1]
    rates: dict[str, dict[str, float]] = {}
    gains: dict[str, dict[str, float]] = {}
    for (variant, batch), seconds in taken.items():
        each = [second / batch for second in seconds]
        rates.setdefault(variant, {})[str(batch)] = round(1 / statistics.median(each), 1)
        gain = statistics.median(ratios(base, each))
        gains.setdefault(variant, {})[str(batch)] = round(gain, 2)
    return {"rounds": len(base), "per_second": rates, "times_fp32_at_1": gains}


def _variants(
    store: WeightStore, catalogue: Catalogue, spec: ModelSpec, threads: int
) -> tuple[dict[Variant, Network], dict[Variant, str]]:
    networks: dict[Variant, Network] = {}
    refused: dict[Variant, str] = {}
    for variant in VARIANTS:
        try:
            if variant == "int8":
                make_int8(store, catalogue, store.known(spec))
            networks[variant] = open_network(
                store, catalogue, spec, threads=threads, variant=variant
            )
        except VariantRefused as error:
            refused[variant] = str(error)
    return networks, refused
