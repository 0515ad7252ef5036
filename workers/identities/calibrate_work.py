"""Jobs that measure thresholds on a collection's own faces."""

import time
from collections.abc import Callable
from dataclasses import asdict

from models.evaluation.all_pairs import RATES
from workers.identities.calibration_answer import (
    CalibrateAnswer,
    MeasuredPointAnswer,
    MeasuredSearchAnswer,
    ScoreCountsAnswer,
    UnsupportedRateAnswer,
)
from workers.identities.calibration_run import Measured, measure_collection
from workers.identities.opening import Identities
from workers.identities.records import Collection
from workers.identities.search import FaceSearcher
from workers.identities.trace_records import AuditEvent
from workers.jobs.options import CalibrateOptions
from workers.jobs.store import Claim


class CalibrateWork:
    """See workers.work.Work; a job has no blob.

    Args:
        identities: The stores of known people.
        searcher: What searches when faces are named, so that it is measured as it serves.
        clock: Seconds since 1970.
    """

    def __init__(
        self,
        identities: Identities,
        searcher: FaceSearcher,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._identities = identities
        self._searcher = searcher
        self._clock = clock

    def run(self, claim: Claim, *, is_wanted: Callable[[], bool]) -> CalibrateAnswer | None:
        """See Work."""
        options = claim.job.options
        assert isinstance(options, CalibrateOptions)  # noqa: S101 - the runner's mapping
        uid = options.collection
        collection = self._identities.collections.by_uid(uid)
        measured = measure_collection(
            self._identities.log,
            self._searcher,
            uid,
            now_ms=round(self._clock() * 1000),
            is_wanted=is_wanted,
        )
        if not is_wanted():
            return None
        if measured is None:
            return _of_nobody(collection)
        self._identities.collections.calibrated(
            uid,
            measured.calibration,
            audit=AuditEvent(
                action="collection.calibrated",
                by=options.by,
                credential_id=options.credential_id,
                cause=claim.job.id,
            ),
        )
        return calibrate_answer(collection.id, measured)


def calibrate_answer(collection: str, measured: Measured) -> CalibrateAnswer:
    """What was measured on a collection of that name, as users see it."""
    calibration, read = measured.calibration, measured.read
    scores = measured.pairs.scores
    return CalibrateAnswer(
        collection=collection,
        model=calibration.contract.model,
        sha256=calibration.contract.sha256,
        preprocessing_version=calibration.contract.preprocessing_version,
        at_version=calibration.at_version,
        collection_faces=read.faces,
        faces=len(read.sample.persons),
        persons=calibration.persons,
        genuine_pairs=calibration.genuine_pairs,
        impostor_pairs=calibration.impostor_pairs,
        points=tuple(MeasuredPointAnswer(**asdict(point)) for point in calibration.points),
        searches=tuple(MeasuredSearchAnswer(**asdict(one)) for one in calibration.searches),
        unsupported=tuple(
            UnsupportedRateAnswer(far=far, reason=reason) for far, reason in calibration.unsupported
        ),
        scores=ScoreCountsAnswer(
            genuine=tuple(scores.genuine_histogram.tolist()),
            impostor=tuple(scores.impostor_histogram.tolist()),
        ),
    )


def _of_nobody(collection: Collection) -> CalibrateAnswer:
    """A collection without faces supports no rate; nothing is kept of that."""
    reason = "The collection has no faces."
    return CalibrateAnswer(
        collection=collection.id,
        model=None,
        sha256=None,
        preprocessing_version=None,
        at_version=collection.version,
        collection_faces=0,
        faces=0,
        persons=0,
        genuine_pairs=0,
        impostor_pairs=0,
        points=(),
        searches=(),
        unsupported=tuple(UnsupportedRateAnswer(far=far, reason=reason) for far in RATES),
        scores=None,
    )
