"""Errors of the models package: one family, one class for each decision a caller can make.

ModelsError
├── CatalogueError            the catalogue itself is wrong
│   └── UnknownModel          no such id, alias or name
│       └── NoWeightsKnown    a name users know, behind which there are no weights to be had
├── WeightsError              a weight file can't be had or can't be trusted
│   ├── WeightsMissing        not in the store: pull it
│   │   ├── EngineUnavailable    no model of the detection engine that was asked for
│   │   └── LandmarksUnavailable the detector gives no landmarks, and nothing completes them
│   ├── WeightsCorrupt        bytes differ from the pinned sha256
│   ├── AlreadyRecorded       another file was imported for this model before
│   ├── SourceUnavailable     no source delivered the file
│   └── StoreFull             the disk has no room
├── PreparationFailed         the prepared graph is not the original
├── VariantRefused            a faster graph of a model can't be had, or answers differently
├── ContractMismatch          a graph's inputs or outputs are not those declared
├── ProviderUnavailable       the asked-for device can't run sessions in this installation
├── InferenceFailed           the runtime refused a run
├── EmbeddingsIncomparable    two embeddings were made by different models
├── ThresholdsMissing         no threshold was measured for this model and false accept rate
├── LivenessUnavailable       no anti-spoofing model can run, so there is no verdict
├── VideoRejected             a video can't be read or is over a limit
├── EvaluationUnavailable     the libraries of the extra `evaluation` are not installed
└── EvaluationDataMissing     labelled data is not there, or not laid out as expected
"""


class ModelsError(Exception):
    """A model could not be used."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or self.__doc__)


class CatalogueError(ModelsError):
    """The model catalogue is not valid. Reinstall FaceSocial or mend models/entries."""


class UnknownModel(CatalogueError):
    """The catalogue has no model of that name. `facesocial models list` shows all."""


class NoWeightsKnown(UnknownModel):
    """No weights are known for that name. `facesocial models list` shows what there is."""


class WeightsError(ModelsError):
    """A weight file can't be had or can't be trusted."""


class WeightsMissing(WeightsError):
    """The weights are not in the store. Run `facesocial models pull`."""


class EngineUnavailable(WeightsMissing):
    """The detection engine that was asked for has no weights in the store."""


class LandmarksUnavailable(WeightsMissing):
    """This detector gives no landmarks: pull and load a model of the task 'landmarks' as well."""


class WeightsCorrupt(WeightsError):
    """A weight file's bytes differ from its pinned sha256. It was not stored."""


class AlreadyRecorded(WeightsError):
    """Another file was imported for this model before. Import with --replace to take the new."""


class SourceUnavailable(WeightsError):
    """No source delivered the file. Check the network, or use `facesocial models import`."""


class StoreFull(WeightsError):
    """The disk of the weight store is full. Free space or set FACESOCIAL_WEIGHTS_DIR."""


class PreparationFailed(ModelsError):
    """The prepared graph answers differently from the original. It was not stored."""


class VariantRefused(ModelsError):
    """The faster graph answers differently from the prepared one. It is not used."""


class ContractMismatch(ModelsError):
    """A graph's inputs or outputs are not those the catalogue declares."""


class ProviderUnavailable(ModelsError):
    """The asked-for device can't run sessions here. Check driver and runtime, or use device cpu."""


class InferenceFailed(ModelsError):
    """The inference runtime refused a run."""


class OutOfMemory(InferenceFailed):
    """The device has not enough memory for this run or load. Others may still fit."""


class DeviceFault(InferenceFailed):
    """The device is in a state only a new process gets out of, e.g. an illegal memory access."""


class EmbeddingsIncomparable(ModelsError):
    """The embeddings come from different models or preprocessing. Make both with one model."""


class ThresholdsMissing(ModelsError):
    """No threshold was measured. Run `facesocial evaluate verification --thresholds`."""


class LivenessUnavailable(ModelsError):
    """No anti-spoofing model can run, so nothing counts as live. Run `facesocial models pull`."""


class VideoRejected(ModelsError):
    """The video can't be decoded, or is over a limit."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        #: Stable: `video_undecodable`, `video_too_large`, `video_too_long`, `video_without_frames`.
        self.code = code


class EvaluationDataMissing(ModelsError):
    """The labelled data is not there, or not laid out as expected. See docs/how-to/evaluate.md."""


class EvaluationUnavailable(ModelsError):
    """scikit-learn or Matplotlib is missing: install facesocial[evaluation]."""
