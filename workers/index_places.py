"""Which device has the index of a collection in memory, so that its jobs are sent there."""

from collections.abc import Sequence
from typing import Protocol

from workers.contract import AnalyzeOptions
from workers.jobs.options import (
    ChunkOptions,
    EnrollOptions,
    JobOptions,
    SearchOptions,
    VideoOptions,
)


class Holder(Protocol):
    """What has indexes in memory."""

    def slow_to_load(self) -> Sequence[str]:
        """Collections whose index is in memory, and took so long to load that others shouldn't."""
        ...


class IndexPlaces:
    """What a device's worker tells routers of its indexes; nothing until there are any."""

    def __init__(self) -> None:
        self._holder: Holder | None = None

    def of(self, holder: Holder) -> None:
        """Tell of these indexes from now on."""
        self._holder = holder

    def __call__(self) -> tuple[str, ...]:
        """Their names in the fleet's directory."""
        uids = () if self._holder is None else self._holder.slow_to_load()
        return tuple(index_name(uid) for uid in uids)


def index_name(uid: str) -> str:
    """How the fleet's directory calls the index of a collection; no model has such a name."""
    return f"index:{uid}"


def searched_collection(options: JobOptions) -> str | None:
    """The collection a job compares faces with."""
    if isinstance(options, ChunkOptions):
        return searched_collection(options.options)
    if isinstance(options, (AnalyzeOptions, VideoOptions)):
        return None if options.identify is None else options.identify.collection
    if isinstance(options, (EnrollOptions, SearchOptions)):
        return options.collection
    return None
