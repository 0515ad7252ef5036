"""The cache of prepared graphs: made once for a source, a preparation and a contract."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import structlog

from models.errors import PreparationFailed
from models.spec import ModelSpec, PinnedSpec
from models.weights.graph_files import find_graph, looks_whole, put_graph
from models.weights.layout import Layout

#: Part of every key: raise it whenever `models.graphs.prepare` may answer other bytes than before.
PREPARATION_VERSION = 1

#: Turns the published graph's bytes into those of the checked, prepared graph.
Preparer = Callable[[bytes, ModelSpec], bytes]

_log = structlog.get_logger()


class PreparedCache:
    """Prepared graphs in a store's folder."""

    def __init__(self, layout: Layout, prepare: Preparer) -> None:
        self._layout = layout
        self._prepare = prepare

    def looks_ready(self, spec: PinnedSpec) -> bool:
        """Whether the graph is there in its full size; `find` hashes it."""
        return looks_whole(self._path(spec))

    def find(self, spec: PinnedSpec) -> Path | None:
        """The prepared graph, if it is there and undamaged."""
        return find_graph(self._path(spec))

    def is_damaged(self, spec: PinnedSpec) -> bool:
        """Whether a prepared graph is there whose bytes are not the recorded ones."""
        return self._path(spec).is_file() and self.find(spec) is None

    def make(self, spec: PinnedSpec, original: Path) -> Path:
        """Prepare the graph unless another process has done so meanwhile.

        Raises:
            PreparationFailed: the result answers differently from the original.
            ContractMismatch: it lacks what the catalogue declares.
            OSError: the disk refused.
        """
        path = self._path(spec)
        with self._layout.locked([path.stem]):
            ready = self.find(spec)
            if ready is not None:
                return ready
            content = self._prepare(original.read_bytes(), spec)
            put_graph(path, content)
        _log.info("weights_prepared", model=spec.id, size_bytes=len(content))
        return path

    def _path(self, spec: PinnedSpec) -> Path:
        return self._layout.prepared / f"{spec.id}-{preparation_key(spec)}.onnx"


def preparation_key(spec: PinnedSpec) -> str:
    """Sixteen hexadecimal digits that change with whatever the prepared graph depends on."""
    basis = {
        "version": PREPARATION_VERSION,
        "source": spec.file.sha256,
        **spec.model_dump(mode="json", include={"prepare", "inputs", "outputs"}),
    }
    return hashlib.sha256(json.dumps(basis, sort_keys=True).encode()).hexdigest()[:16]


def prepare_here(original: bytes, spec: ModelSpec) -> bytes:
    """Prepare with ONNX and check with ONNX Runtime, where both are installed.

    Raises:
        PreparationFailed: they are not, or the result answers differently.
        ContractMismatch: the result lacks what the catalogue declares.
    """
    try:
        # Listing, fetching and reading weights needs neither library.
        from models.graphs.check import prepare_checked  # noqa: PLC0415 - see above
        from models.session import open_session  # noqa: PLC0415 - see above
    except ImportError as error:
        raise PreparationFailed(
            f"{spec.id} can't be prepared without {error.name}: install facesocial[cpu] or [gpu]."
        ) from error
    return prepare_checked(original, spec, open_session)
