"""Hashes of imported files that the catalogue does not pin: one small file for each model."""

from pydantic import Field, ValidationError

from models.errors import WeightsCorrupt, WeightsMissing
from models.spec import Entry, FileName, ModelSpec, PinnedFile, PinnedSpec, Sha256, UnpinnedFile
from models.weights.files import write_whole
from models.weights.layout import Layout


class ImportRecord(Entry):
    """What an import of an unpinned file found, and what every later load must find again."""

    #: Name in the store, that of the catalogue's entry.
    name: FileName
    sha256: Sha256
    size_bytes: int = Field(gt=0)

    def as_file(self) -> PinnedFile:
        """The file, known by its bytes from now on."""
        return PinnedFile(name=self.name, size_bytes=self.size_bytes, sha256=self.sha256)


class Records:
    """The records in a store's folder."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout

    def find(self, spec: ModelSpec) -> ImportRecord | None:
        """What was recorded for a model, if anything was.

        Raises:
            WeightsCorrupt: the record can't be read.
            OSError: the disk refused.
        """
        path = self._layout.record(spec.id)
        try:
            return ImportRecord.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            return None
        except ValidationError as error:
            raise WeightsCorrupt(
                f"{path} is damaged. Import the file again: {how_to_import(spec)} --replace"
            ) from error

    def write(self, spec: ModelSpec, record: ImportRecord) -> None:
        """Keep a record; the caller holds the model's lock.

        Raises:
            OSError: the disk refused.
        """
        path = self._layout.record(spec.id)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, record.model_dump_json().encode())

    def known(self, spec: ModelSpec) -> PinnedSpec:
        """The entry with its file known by its bytes.

        Raises:
            WeightsMissing: the catalogue pins no hash and nothing was imported yet.
            WeightsCorrupt: the record can't be read.
            OSError: the disk refused.
        """
        if isinstance(spec, PinnedSpec):
            return spec
        file = spec.file
        if isinstance(file, UnpinnedFile):
            record = self.find(spec)
            if record is None:
                raise WeightsMissing(
                    f"{file.name} is not in the weight store. Get the file, then run"
                    f" `{how_to_import(spec)}`. {file.why}"
                )
            file = record.as_file()
        return PinnedSpec.model_validate({**dict(spec), "file": file})


def how_to_import(spec: ModelSpec) -> str:
    """The command that brings a model's file into the store where it can't be fetched."""
    if isinstance(spec.file, UnpinnedFile):
        return f"facesocial models import FILE --as {spec.id}"
    return "facesocial models import FILE"
