"""Where things lie inside a weight store."""

import shutil
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

from filelock import Timeout

from models.errors import WeightsError
from models.spec import PinnedFile
from models.weights.files import lock_of, put_in_place


@dataclass(frozen=True, slots=True)
class Layout:
    """The paths of a store, and the right to write them."""

    #: The store's folder.
    root: Path

    def file(self, file: PinnedFile) -> Path:
        """Path of a pinned file, whether it is there or not."""
        return self.root / "files" / file.sha256 / file.name

    def record(self, model_id: str) -> Path:
        """Path of the record of an imported file that the catalogue does not pin."""
        return self.root / "records" / f"{model_id}.json"

    @property
    def prepared(self) -> Path:
        """Folder of prepared graphs."""
        return self.root / "prepared"

    @contextmanager
    def locked(self, names: Iterable[str]) -> Iterator[None]:
        """Hold the locks of these names; taken in one order by all, so nobody deadlocks."""
        locks = self._folder("locks")
        with ExitStack() as stack:
            for name in sorted(set(names)):
                stack.enter_context(lock_of(locks / f"{name}.lock"))
            yield

    @contextmanager
    def workspace(self, name: str) -> Iterator[Path]:
        """An empty folder on the store's disk. The caller holds that name's lock."""
        # A new name each time: a child of a killed process may still write into the old folder.
        folder = Path(mkdtemp(prefix=f"{name}.", dir=self._folder("tmp")))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def sweep(self) -> None:
        """Delete working folders whose process was killed: those nobody holds the lock of."""
        for folder in self._folder("tmp").iterdir():
            lock = lock_of(
                self._folder("locks") / f"{folder.name.partition('.')[0]}.lock", wait=False
            )
            try:
                with lock:
                    shutil.rmtree(folder, ignore_errors=True)
            except Timeout:
                continue  # At work.

    def adopt(self, verified: Path, file: PinnedFile) -> Path:
        """Give a verified file its place."""
        path = self.file(file)
        path.parent.mkdir(parents=True, exist_ok=True)
        put_in_place(verified, path)
        return path

    def _folder(self, name: str) -> Path:
        folder = self.root / name
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except FileNotFoundError as error:  # e.g. below /proc
            raise WeightsError(f"The weight store {self.root} can't be made: {error}.") from error
        return folder
