"""Jobs that judge from several photos whether a face is live."""

from collections.abc import Callable

from workers.blobs.store import BlobStore
from workers.devices.residency import Residency
from workers.jobs.options import LivenessOptions
from workers.jobs.store import Claim
from workers.photos.sequence import FrameLiveness, SequenceAnswer
from workers.settings.process import Settings


class LivenessWork:
    """See workers.work.Work; a job's blobs are its photos, oldest first."""

    def __init__(self, residency: Residency, blobs: BlobStore, settings: Settings) -> None:
        self._blobs = blobs
        self._liveness = FrameLiveness(
            residency,
            max_pixels=settings.max_image_pixels,
            cpu_policy=settings.anti_spoofing_cpu,
        )

    def run(self, claim: Claim, *, is_wanted: Callable[[], bool]) -> SequenceAnswer | None:
        """See Work."""
        options = claim.job.options
        assert isinstance(options, LivenessOptions)  # noqa: S101 - the runner's mapping
        frames = []
        for number, key in enumerate(claim.job.blob_keys, start=1):
            if not is_wanted():
                return None
            frames.append(self._liveness.look(self._blobs.get(key), name=f"photo {number}"))
        if not is_wanted():
            return None
        return self._liveness.judge_frames(frames, model=options.model)
