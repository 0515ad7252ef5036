"""The networks in this process, for commands that need no server."""

from models.catalogue import load_catalogue
from models.weights.store import WeightStore
from workers.devices.residency import Residency
from workers.photos.pipeline import FacePipeline
from workers.runtime import build_pipeline
from workers.settings.process import Settings


def open_residency(settings: Settings) -> Residency:
    """The installed models on the CPU, each loaded when it is first needed."""
    return Residency(
        store=WeightStore(settings.weights_path),
        catalogue=load_catalogue(),
        threads=settings.ort_threads,
    )


def open_pipeline(settings: Settings) -> FacePipeline:
    """What a worker does to an image, in this process."""
    return build_pipeline(settings, open_residency(settings))
