"""Which work is done for which kind of job in this process."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from workers.answers.part import Answer
from workers.answers.work import WorkAnswer, degraded_answer
from workers.blobs.store import BlobStore
from workers.choices import ANALYSES_OF_KIND
from workers.contract import Analysis
from workers.devices.residency import Residency
from workers.identities.calibrate_work import CalibrateWork
from workers.identities.enroll_work import EnrollWork
from workers.identities.search_work import SearchWork
from workers.identities.verify_work import VerifyWork
from workers.identities.video_namer import CollectionVideoNamer
from workers.jobs.options import JobKind
from workers.jobs.store import Claim
from workers.known_people import KnownPeople
from workers.photos.attempts import Ends
from workers.photos.compare_work import CompareWork
from workers.photos.liveness_work import LivenessWork
from workers.photos.photo import PhotoPipeline
from workers.settings.process import Settings
from workers.stages.clock import milliseconds_since
from workers.stages.stage import AnalysisUnavailable
from workers.videos.naming import VideoNamer
from workers.videos.work import VideoWork
from workers.work import Work


@dataclass(frozen=True, kw_only=True, slots=True)
class PeopleWorks:
    """What is done about known people."""

    works: Mapping[JobKind, Work]
    #: Names the people of videos.
    video_namer: VideoNamer


def build_works(
    settings: Settings,
    residency: Residency,
    blobs: BlobStore,
    people: PeopleWorks | None = None,
) -> Mapping[JobKind, Work]:
    """The works of this process, as the settings want them.

    Args:
        settings: Of this process.
        residency: The loaded models.
        blobs: Where files are.
        people: The works about known people; None: this process knows nobody.
    """
    works: dict[JobKind, Work] = {
        "compare": CompareWork(residency, blobs, settings),
        "liveness": LivenessWork(residency, blobs, settings),
        "video": VideoWork(residency, blobs, settings, people.video_namer if people else None),
        **(people.works if people else {}),
    }
    return {kind: told_work(settings, residency, kind, work) for kind, work in works.items()}


def told_work(settings: Settings, residency: Residency, kind: JobKind, work: Work) -> Work:
    """A work as this process does it, if the settings want it done."""
    off = [name for name in ANALYSES_OF_KIND[kind] if name in settings.disabled_analyses]
    return SwitchedOff(off[0]) if off else ToldWork(work, residency)


def people_works(
    known: KnownPeople, pipeline: PhotoPipeline, blobs: BlobStore, *, ends: Ends = ()
) -> PeopleWorks:
    """The works about known people.

    Args:
        known: Who is known.
        pipeline: Finds, measures and embeds faces.
        blobs: Where files are.
        ends: Errors that end a whole job, such as a time limit's.
    """
    identities, presets = known.identities, known.presets
    return PeopleWorks(
        works={
            "enroll": EnrollWork(identities, known.enroller(pipeline), blobs, ends),
            "verify": VerifyWork(identities, pipeline, blobs, presets, ends),
            "search": SearchWork(known.namer, blobs),
            "calibrate": CalibrateWork(identities, known.searcher),
        },
        video_namer=CollectionVideoNamer(identities.collections, known.namer),
    )


class SwitchedOff:
    """What is done for a job whose analysis this server does not do.

    The gateway refuses such jobs; this one came from one with other settings.
    """

    def __init__(self, analysis: Analysis) -> None:
        self._analysis = analysis

    def run(self, claim: Claim, *, is_wanted: Callable[[], bool]) -> None:
        """See Work."""
        del claim, is_wanted
        raise AnalysisUnavailable(
            "analysis_disabled", f"'{self._analysis}' is switched off on this server."
        )


class ToldWork:
    """A work whose answers say where they were found and how long that took."""

    def __init__(self, work: Work, residency: Residency) -> None:
        self._work = work
        self._residency = residency

    def run(self, claim: Claim, *, is_wanted: Callable[[], bool]) -> Answer | None:
        """See Work."""
        started = time.perf_counter()
        self._residency.take_notes()  # of work that was broken off: none of this job's
        answer = self._work.run(claim, is_wanted=is_wanted)
        if not isinstance(answer, WorkAnswer):
            return None
        device = self._residency.device
        told: dict[str, object] = {
            "device": device,
            "simulated": device.startswith("sim:"),
            "timings_ms": {"total": milliseconds_since(started)},
        }
        if notes := self._residency.take_notes():
            told["degraded"] = degraded_answer(notes)
        return answer.model_copy(update=told)
