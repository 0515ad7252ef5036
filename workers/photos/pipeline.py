"""What is done to images, stage by stage. Knows no queue and no store."""

import time
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

import structlog

from models.anti_spoofing.policy import CpuPolicy
from models.errors import DeviceFault, InferenceFailed, WeightsMissing
from workers.answers.analysis import AnalysisAnswer, ReasonAnswer
from workers.contract import ANALYSES, Analysis, AnalyzeOptions
from workers.devices.residency import Residency
from workers.jobs.batch_key import batch_key
from workers.naming import Named, Namer
from workers.notes import Note
from workers.photos.attempts import Ends, together_or_alone
from workers.photos.decode_ahead import Arrivals, DecodeAhead
from workers.photos.photo import Order, Photo
from workers.photos.upright import UprightCheck
from workers.stages.anti_spoofing import AntiSpoofingStage
from workers.stages.clock import milliseconds_since, shared
from workers.stages.deepfake import DeepfakeStage
from workers.stages.demographics import DemographicsAnswers, DemographicsStage
from workers.stages.detection import Detection, DetectionStage, Search
from workers.stages.face import quality_answer
from workers.stages.recognition import RecognitionStage
from workers.stages.stage import AnalysisUnavailable, Stage, StageResult

_log = structlog.get_logger()


class FacePipeline:
    """Detects the faces of images and analyses each.

    Args:
        residency: The loaded models.
        max_pixels: Images with more are refused before they are decoded.
        disabled_analyses: Analyses that are switched off, whoever asks.
        anti_spoofing_cpu: Whether anti-spoofing may run on the CPU.
        demographics_answers: Whether age and gender are told of each face or only counted.
        decode_threads: Threads that decode images ahead, where several come together.
        namer: Names faces by the collections of known people; None: this process knows nobody.
    """

    def __init__(  # noqa: PLR0913 - all but two have defaults
        self,
        residency: Residency,
        *,
        max_pixels: int,
        disabled_analyses: Collection[Analysis] = (),
        anti_spoofing_cpu: CpuPolicy = "allow",
        demographics_answers: DemographicsAnswers = "per_face",
        decode_threads: int = 1,
        namer: Namer | None = None,
    ) -> None:
        self._residency = residency
        self._decoder = DecodeAhead(threads=decode_threads, max_pixels=max_pixels)
        self._disabled = frozenset(disabled_analyses)
        self._namer = namer
        self._detection = DetectionStage(residency)
        self._upright = UprightCheck(residency)
        self._stages: dict[Analysis, Stage] = {
            "recognition": RecognitionStage(residency),
            "anti_spoofing": AntiSpoofingStage(residency, cpu_policy=anti_spoofing_cpu),
            "deepfake": DeepfakeStage(residency),
            "demographics": DemographicsStage(residency, answers=demographics_answers),
        }

    def analyze(self, content: bytes, options: AnalyzeOptions) -> AnalysisAnswer:
        """Analyse one encoded image.

        Raises:
            ImageRejected: the bytes are no image we can decode.
            WeightsMissing: the detection engine that was asked for is not installed.
            InferenceFailed: the runtime refused the detector's run.
        """
        [outcome] = self.analyze_many([Order(read=lambda: content, options=options)])
        if not isinstance(outcome, AnalysisAnswer):
            raise outcome or AssertionError("A photo that somebody wants was dropped.")
        return outcome

    def analyze_many(
        self, orders: Sequence[Order], *, ends: Ends = ()
    ) -> list[AnalysisAnswer | Exception | None]:
        """Analyse several encoded images together, stage by stage.

        Orders of one batch key share their stages; a photo that fails does not fail its
        neighbours. One that nobody wants any more is dropped between two stages.

        Args:
            orders: Any number.
            ends: Errors that end the whole batch, such as a time limit's.

        Returns:
            For each order its answer, why there is none, or None when it was dropped.

        Raises:
            DeviceFault: nothing can be run in this process any more.
        """
        photos = [Photo(order=order) for order in orders]
        answers: dict[int, AnalysisAnswer | Exception | None] = {}
        for batch in _batches(photos):
            self._residency.take_notes()  # of work that was broken off: none of these photos'
            self._run_batch(batch, (DeviceFault, *ends))
            notes = self._residency.take_notes()
            for note in notes:
                _log.warning(
                    "analysis.degraded", model=note.model, step=note.step, reason=note.reason
                )
            answers |= {id(photo): self._answer(photo, batch, notes) for photo in batch}
        return [answers[id(photo)] for photo in photos]

    def look_many(self, orders: Sequence[Order], *, ends: Ends = ()) -> list[Photo]:
        """What is known of several encoded images after all stages, for those who want no answer.

        Args:
            orders: Any number.
            ends: Errors that end the whole batch, such as a time limit's.

        Raises:
            DeviceFault: nothing can be run in this process any more.
        """
        photos = [Photo(order=order) for order in orders]
        for batch in _batches(photos):
            self._run_batch(batch, (DeviceFault, *ends))
        return photos

    def _run_batch(self, photos: Sequence[Photo], ends: Ends) -> None:
        """Lead photos of one batch key through the stages."""
        started = time.perf_counter()
        self._detect(_wanted(photos), ends)
        for photo in _wanted(photos):
            with shared("quality", [photo.timings_ms]):
                photo.qualities = [quality_answer(photo.image, f) for f in photo.found.faces]
        self._check_upright([one for one in _wanted(photos) if one.order.checks_upright], ends)
        for name in ANALYSES:
            asked = name != "detection" and name in photos[0].order.options.analyses
            if asked and (going_on := _wanted(photos)):
                with shared(name, [photo.timings_ms for photo in going_on]):
                    self._analyze(name, going_on, ends)
        if asked_for := [photo for photo in _wanted(photos) if photo.order.options.identify]:
            with shared("identity", [photo.timings_ms for photo in asked_for]):
                self._name(asked_for, ends)
        for photo in photos:
            photo.timings_ms["total"] = milliseconds_since(started)

    def _detect(self, photos: Sequence[Photo], ends: Ends) -> None:
        """Decode photos and find their faces; the first are searched while the rest is decoded."""
        if not photos:
            return
        started = time.perf_counter()
        arrivals = Arrivals(self._decoder.each(photos, ends=ends))
        found = self._find(arrivals, photos, ends)
        spent_ms = milliseconds_since(started) - arrivals.waited_ms
        for photo, outcome in zip(arrivals.decoded, found, strict=True):
            photo.timings_ms["detection"] = round(max(0.0, spent_ms) / len(found), 2)
            if isinstance(outcome, Exception):
                photo.failure = outcome
            else:
                photo.detection = _chosen(photo, outcome)
                photo.faces_found = len(outcome.faces)

    def _find(
        self, arrivals: Arrivals, photos: Sequence[Photo], ends: Ends
    ) -> Sequence[Detection | Exception]:
        """The faces of every photo that arrives."""
        if len(photos) > 1:
            searches = (_search(photo) for photo in arrivals)
            try:
                return self._detection.run_together(searches, photos[0].order.options)
            except ends:
                raise
            except Exception as error:  # noqa: BLE001 - sorted out one by one below
                _log.warning("batch.one_by_one", stage="detection", error=str(error))
        return [
            outcome
            for photo in [*arrivals.decoded, *arrivals]
            for outcome in together_or_alone(
                self._find_alone, [photo], stage="detection", ends=ends
            )
        ]

    def _find_alone(self, photos: Sequence[Photo]) -> list[Detection]:
        return [self._detection.run(photo.image, photo.order.options) for photo in photos]

    def _check_upright(self, photos: Sequence[Photo], ends: Ends) -> None:
        """Note which faces are not upright."""
        found = together_or_alone(self._upright.run, photos, stage="upright", ends=ends)
        for photo, outcome in zip(photos, found, strict=True):
            if isinstance(outcome, Exception):
                photo.failure = outcome
            else:
                photo.qualities = outcome

    def _analyze(self, name: Analysis, photos: Sequence[Photo], ends: Ends) -> None:
        """One analysis of all faces of photos, or why there is none."""
        if name in self._disabled:
            message = f"'{name}' is switched off on this server."
            for photo in photos:
                photo.outcomes[name] = ReasonAnswer(code="analysis_disabled", message=message)
            return
        stage = self._stages[name]
        found = together_or_alone(
            lambda some: stage.run([photo.picture for photo in some]),
            photos,
            stage=name,
            ends=ends,
        )
        for photo, outcome in zip(photos, found, strict=True):
            if isinstance(outcome, StageResult):
                photo.outcomes[name] = outcome
            elif reason := _reason(name, outcome):
                photo.outcomes[name] = reason
            else:
                photo.failure = outcome

    def _name(self, photos: Sequence[Photo], ends: Ends) -> None:
        """Who the faces of photos are; a photo of whose faces that can't be said has failed."""
        for photo in photos:
            photo.failure = photo.why_unrecognised
        ready = [photo for photo in photos if photo.goes_on]
        if not ready:
            return
        found = together_or_alone(self._named, ready, stage="identity", ends=ends)
        for photo, outcome in zip(ready, found, strict=True):
            if isinstance(outcome, Named):
                photo.named = outcome
            else:
                photo.failure = outcome

    def _named(self, photos: Sequence[Photo]) -> list[Named | Exception]:
        if self._namer is None:
            message = "This server can't name faces. Nobody was looked for."
            raise AnalysisUnavailable("identification_unavailable", message)
        orders = [
            photo.naming(photo.order.options.identify)
            for photo in photos
            if photo.order.options.identify
        ]
        return self._namer.name(orders)

    def _answer(
        self, photo: Photo, batch: Sequence[Photo], notes: Sequence[Note]
    ) -> AnalysisAnswer | Exception | None:
        if photo.dropped or photo.failure:
            return photo.failure
        answered = [one for one in batch if one.goes_on]
        used = {model for one in answered for model in one.models}
        return photo.answer(
            device=self._residency.device,
            batch_size=len(batch),
            # A model that no answer names concerns all: an analysis was not done, for instance.
            notes=[note for note in notes if note.model in photo.models or note.model not in used],
        )


def _wanted(photos: Sequence[Photo]) -> list[Photo]:
    """Those that go on; those nobody wants any more are dropped here."""
    for photo in photos:
        photo.dropped = photo.dropped or not photo.order.is_wanted()
    return [photo for photo in photos if photo.goes_on]


def _batches(photos: Sequence[Photo]) -> Iterable[Sequence[Photo]]:
    """Photos by batch key."""
    batches: defaultdict[str, list[Photo]] = defaultdict(list)
    for photo in photos:
        batches[batch_key(photo.order.options)].append(photo)
    return batches.values()


def _chosen(photo: Photo, found: Detection) -> Detection:
    """What was found, with those of its faces that go on."""
    choose = photo.order.choose
    return found if choose is None else replace(found, faces=choose(photo.image, found.faces))


def _search(photo: Photo) -> Search:
    return Search(image=photo.image, options=photo.order.options)


def _reason(name: Analysis, error: Exception) -> ReasonAnswer | None:
    """Why an analysis was left out; None when the whole photo has failed with it."""
    if isinstance(error, AnalysisUnavailable):
        reason = ReasonAnswer(code=error.code, message=str(error))
    elif isinstance(error, WeightsMissing):
        reason = ReasonAnswer(code="model_not_installed", message=str(error))
    elif isinstance(error, InferenceFailed):
        _log.error("analysis.failed", analysis=name, exc_info=error)
        message = "A model could not be run on this image; it has been logged."
        reason = ReasonAnswer(code="inference_failed", message=message)
    else:
        return None
    _log.warning("analysis.unavailable", analysis=name, code=reason.code)
    return reason
