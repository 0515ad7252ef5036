"""Further graphs for a model that compute the same faster on a CPU, and which of them is run.

- `fp32`: the prepared graph itself; the only one on CUDA.
- `fused`: the same float32 arithmetic, written so that ONNX Runtime's CPU kernels can join it:
  PRelu spelled out, constants no longer listed as inputs. Made by a pull or the first load, and run
  on a CPU unless something else was chosen: it differs by rounding only, which is checked.
- `int8`: the deeper part of the graph in 8-bit integers. Made by `facesocial models tune` only,
  because it needs photos to calibrate on, and refused where its answers stray from fp32's.

A variant lies in the store as `prepared/<id>-<variant>-<key>.onnx`; one that was refused has a
`.refused.json` with the reason instead, so that it is not tried again at every start.
"""

import hashlib
import json
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import get_args

import structlog
from pydantic import BaseModel, ConfigDict, ValidationError

from models.errors import VariantRefused
from models.machine import Machine
from models.spec import PinnedSpec, Variant
from models.weights.files import write_whole
from models.weights.graph_files import find_graph, put_graph
from models.weights.layout import Layout
from models.weights.prepared import preparation_key
from models.weights.store import WeightStore

#: Least changed first.
VARIANTS: tuple[Variant, ...] = get_args(Variant)
#: Part of every key: raise it whenever a variant may be made or judged differently than before.
VARIANT_VERSION = 1

_log = structlog.get_logger()


class _Refusal(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    reason: str


class VariantCache:
    """The variants in a store's folder, for one kind of machine."""

    def __init__(self, store: WeightStore, *, machine: Machine) -> None:
        """Use a store.

        Args:
            store: Where the prepared graphs are.
            machine: The one they are made, judged and run on.
        """
        self._store = store
        self._layout = Layout(store.root)
        self._machine = machine

    def find(self, spec: PinnedSpec, variant: Variant) -> Path | None:
        """The variant's graph, if it was made, accepted and is undamaged."""
        if variant == "fp32":
            return self._store.prepared(spec)
        return find_graph(self._path(spec, variant))

    def refusal(self, spec: PinnedSpec, variant: Variant) -> str | None:
        """Why the variant was refused, if it was."""
        path = self._refusal_path(spec, variant)
        try:
            return _Refusal.model_validate_json(path.read_bytes()).reason
        except FileNotFoundError:
            return None
        except ValidationError:
            _log.warning("variant_refusal_unreadable", path=str(path))
            return None

    def make(
        self, spec: PinnedSpec, variant: Variant, build: Callable[[Path], bytes]
    ) -> Path | bytes:
        """The variant's graph, built from the prepared one unless it is there already.

        Args:
            spec: The model.
            variant: Any but fp32, which is not made here.
            build: From the path of the prepared graph to the variant's bytes, checked.

        Returns:
            Its path; its bytes where the store can't be written.

        Raises:
            VariantRefused: `build` refused it, now or earlier.
            ModelsError: see WeightStore.prepared.
        """
        path = self._path(spec, variant)
        # Without the lock first: nearly always it is there, and the store may be read-only.
        ready = self._ready(spec, variant)
        if ready is not None:
            return ready
        original = self._store.prepared(spec)
        with ExitStack() as lock:
            try:
                lock.enter_context(self._layout.locked([path.stem]))
            except OSError as error:
                return self._unstored(spec, variant, build(original), error)
            return self._ready(spec, variant) or self._build(spec, variant, original, build)

    def forget_refusal(self, spec: PinnedSpec, variant: Variant) -> None:
        """Let a refused variant be tried again."""
        self._refusal_path(spec, variant).unlink(missing_ok=True)

    def _ready(self, spec: PinnedSpec, variant: Variant) -> Path | None:
        ready = find_graph(self._path(spec, variant))
        known = None if ready is not None else self.refusal(spec, variant)
        if known is not None:
            raise VariantRefused(known)
        return ready

    def _build(
        self, spec: PinnedSpec, variant: Variant, original: Path, build: Callable[[Path], bytes]
    ) -> Path | bytes:
        path = self._path(spec, variant)
        try:
            content = build(original)
        except VariantRefused as error:
            record = _Refusal(reason=str(error)).model_dump_json()
            # A refusal that can't be kept is found again at the next start.
            with suppress(OSError):
                path.parent.mkdir(parents=True, exist_ok=True)
                write_whole(self._refusal_path(spec, variant), record.encode())
            raise
        try:
            put_graph(path, content)
        except OSError as error:
            return self._unstored(spec, variant, content, error)
        _log.info("variant_made", model=spec.id, variant=variant)
        return path

    def _unstored(
        self, spec: PinnedSpec, variant: Variant, content: bytes, error: OSError
    ) -> bytes:
        _log.warning("variant_not_stored", model=spec.id, variant=variant, reason=str(error))
        return content

    def _path(self, spec: PinnedSpec, variant: Variant) -> Path:
        key = variant_key(spec, variant, self._machine)
        return self._layout.prepared / f"{spec.id}-{variant}-{key}.onnx"

    def _refusal_path(self, spec: PinnedSpec, variant: Variant) -> Path:
        return self._path(spec, variant).with_suffix(".refused.json")


def variant_key(spec: PinnedSpec, variant: Variant, machine: Machine) -> str:
    """Sixteen hexadecimal digits that change with whatever a variant's graph depends on."""
    pixels = spec.pixels and spec.pixels.model_dump(mode="json")
    # 8-bit kernels differ from one processor to the next (without VNNI they may saturate), so an
    # int8 graph holds only where it was judged. Float32 is the same everywhere.
    runs_on = machine.key if variant == "int8" else machine.runtime
    basis = [VARIANT_VERSION, variant, runs_on, preparation_key(spec), pixels, spec.template]
    return hashlib.sha256(json.dumps(basis, sort_keys=True).encode()).hexdigest()[:16]
