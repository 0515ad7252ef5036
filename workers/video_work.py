"""Jobs that judge a video."""

import io
from collections.abc import Callable

from models.video.results import VideoLimits
from models.video.sampling import SamplingOptions
from workers.blobs import BlobStore
from workers.job_options import VideoOptions
from workers.jobs import Claim
from workers.residency import Residency
from workers.settings import Settings
from workers.video_answer import VideoAnswer, video_answer
from workers.video_models import video_detector

#: Coded frames a second that a video may have on average; the recorders of phones go up to 60.
MAX_FRAME_RATE = 60
#: A video of thirty seconds lasts a few frames longer.
GRACE_SECONDS = 0.5


class _NotWantedError(Exception):
    """Nobody wants the answer any more."""


class VideoWork:
    """See workers.work.Work; a job's blob is its video.

    Besides the file, one frame is in memory at a time, and what the decoder keeps.
    """

    def __init__(self, residency: Residency, blobs: BlobStore, settings: Settings) -> None:
        self._residency = residency
        self._blobs = blobs
        self._limits = limits_of(settings)

    def run(self, claim: Claim, *, is_wanted: Callable[[], bool]) -> VideoAnswer | None:
        """See Work."""
        options = claim.job.options
        assert isinstance(options, VideoOptions)  # noqa: S101 - the runner's mapping
        [key] = claim.job.blob_keys
        if not is_wanted():
            return None
        content = io.BytesIO(self._blobs.get(key))

        def tick(_done_seconds: float, _total_seconds: float) -> None:
            if not is_wanted():
                raise _NotWantedError

        sampling = SamplingOptions(max_frames=options.max_frames)
        with video_detector(
            self._residency, model=options.model, limits=self._limits, sampling=sampling
        ) as using:
            try:
                verdict = using.detector.judge(
                    content, until_seconds=options.until_seconds, tick=tick
                )
            except _NotWantedError:
                return None
            return video_answer(verdict, models=using.models)


def limits_of(settings: Settings) -> VideoLimits:
    """What a video sent to the server may cost."""
    return VideoLimits(
        max_bytes=settings.max_video_bytes,
        max_seconds=settings.max_video_seconds + GRACE_SECONDS,
        max_frames=int((settings.max_video_seconds + GRACE_SECONDS) * MAX_FRAME_RATE),
        max_pixels=settings.max_video_pixels,
    )
