"""Jobs that judge a video."""

import io
from collections.abc import Callable

from models.deepfake.video import no_watch
from models.video.results import VideoLimits
from models.video.sampling import SamplingOptions
from workers.blobs.store import BlobStore
from workers.devices.residency import Residency
from workers.jobs.options import VideoOptions
from workers.jobs.store import Claim
from workers.settings.process import Settings
from workers.stages.stage import AnalysisUnavailable
from workers.videos.answer import VideoAnswer, video_answer
from workers.videos.models import video_detector
from workers.videos.naming import TrackNamer, VideoNamer

#: Coded frames a second that a video may have on average; the recorders of phones go up to 60.
MAX_FRAME_RATE = 60
#: A video of thirty seconds lasts a few frames longer.
GRACE_SECONDS = 0.5


class _NotWantedError(Exception):
    """Nobody wants the answer any more."""


class VideoWork:
    """See workers.work.Work; a job's blob is its video.

    Besides the file, one frame is in memory at a time, and what the decoder keeps.

    Args:
        residency: The loaded models.
        blobs: Where videos are.
        settings: What a video may cost.
        namer: Names the people; None: this process knows nobody.
    """

    def __init__(
        self,
        residency: Residency,
        blobs: BlobStore,
        settings: Settings,
        namer: VideoNamer | None = None,
    ) -> None:
        self._residency = residency
        self._blobs = blobs
        self._limits = limits_of(settings)
        self._namer = namer

    def run(self, claim: Claim, *, is_wanted: Callable[[], bool]) -> VideoAnswer | None:
        """See Work."""
        options = claim.job.options
        assert isinstance(options, VideoOptions)  # noqa: S101 - the runner's mapping
        [key] = claim.job.blob_keys
        if not is_wanted():
            return None
        content = io.BytesIO(self._blobs.get(key))
        people = self._people(options)

        def tick(_done_seconds: float, _total_seconds: float) -> None:
            if not is_wanted():
                raise _NotWantedError

        sampling = SamplingOptions(max_frames=options.max_frames)
        with video_detector(
            self._residency,
            model=options.model,
            recognition_model=people.model if people else None,
            limits=self._limits,
            sampling=sampling,
        ) as using:
            try:
                verdict = using.detector.judge(
                    content,
                    until_seconds=options.until_seconds,
                    tick=tick,
                    watch=people.add if people else no_watch,
                )
            except _NotWantedError:
                return None
        named = None
        if people:
            verdicts = {one.score.track: one.verdict for one in verdict.tracks}
            named = people.name(verdicts, cause=claim.job.id)
        return video_answer(verdict, models=using.models, named=named)

    def _people(self, options: VideoOptions) -> TrackNamer | None:
        """What names the people; None: that was not asked."""
        if options.identify is None:
            return None
        if self._namer is None:
            message = "This server can't name faces. Nobody was looked for."
            raise AnalysisUnavailable("identification_unavailable", message)
        return self._namer.begin(options.identify)


def limits_of(settings: Settings) -> VideoLimits:
    """What a video sent to the server may cost."""
    return VideoLimits(
        max_bytes=settings.max_video_bytes,
        max_seconds=settings.max_video_seconds + GRACE_SECONDS,
        max_frames=int((settings.max_video_seconds + GRACE_SECONDS) * MAX_FRAME_RATE),
        max_pixels=settings.max_video_pixels,
    )
