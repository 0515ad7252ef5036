"""Jobs that compare two photos."""

from collections.abc import Callable

from workers.blobs.store import BlobStore
from workers.devices.residency import Residency
from workers.jobs.options import CompareOptions
from workers.jobs.store import Claim
from workers.photos.comparison import ComparisonAnswer, FaceComparison
from workers.settings.process import Settings

#: How the two photos are called in messages.
PHOTOS = ("first photo", "second photo")


class CompareWork:
    """See workers.work.Work; a job's two blobs are its two photos."""

    def __init__(self, residency: Residency, blobs: BlobStore, settings: Settings) -> None:
        self._blobs = blobs
        self._comparison = FaceComparison(residency, max_pixels=settings.max_image_pixels)

    def run(self, claim: Claim, *, is_wanted: Callable[[], bool]) -> ComparisonAnswer | None:
        """See Work."""
        options = claim.job.options
        assert isinstance(options, CompareOptions)  # noqa: S101 - the runner's mapping
        found = []
        for key, name in zip(claim.job.blob_keys, PHOTOS, strict=True):
            if not is_wanted():
                return None
            content = self._blobs.get(key)
            found.append(self._comparison.look(content, name=name, face=options.face))
        if not is_wanted():
            return None
        return self._comparison.judge(
            found[0], found[1], far=options.far, threshold=options.threshold, model=options.model
        )
