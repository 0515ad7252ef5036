"""Which work is done for which kind of job in this process."""

import time
from collections.abc import Callable, Mapping

from workers.answer import Answer
from workers.blobs import BlobStore
from workers.choices import ANALYSES_OF_KIND
from workers.compare_work import CompareWork
from workers.contract import Analysis
from workers.job_options import JobKind
from workers.jobs import Claim
from workers.liveness_work import LivenessWork
from workers.residency import Residency
from workers.settings import Settings
from workers.stages.clock import milliseconds_since
from workers.stages.stage import AnalysisUnavailable
from workers.video_work import VideoWork
from workers.work import Work
from workers.work_answer import WorkAnswer, degraded_answer


def build_works(
    settings: Settings, residency: Residency, blobs: BlobStore
) -> Mapping[JobKind, Work]:
    """The works of this process, as the settings want them."""
    works: dict[JobKind, Work] = {
        "compare": CompareWork(residency, blobs, settings),
        "liveness": LivenessWork(residency, blobs, settings),
        "video": VideoWork(residency, blobs, settings),
    }
    for kind, analyses in ANALYSES_OF_KIND.items():
        off = [name for name in analyses if name in settings.disabled_analyses]
        works[kind] = SwitchedOff(off[0]) if off else ToldWork(works[kind], residency)
    return works


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
