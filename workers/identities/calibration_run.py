"""Measuring a collection: read, compared pair by pair, and searched for one by one."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workers.identities.calibration import PairCalibration, calibrate_pairs, calibrate_searches
from workers.identities.calibration_sample import CollectionSample, read_sample
from workers.identities.records import Calibration
from workers.identities.search import FaceSearcher
from workers.identities.store import FaceLog

#: Faces searched for in one call, between two looks at whether it is still wanted.
_SEARCHED_AT_ONCE = 256


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """What was measured, and on what."""

    calibration: Calibration
    pairs: PairCalibration
    read: CollectionSample


def measure_collection(
    log: FaceLog,
    searcher: FaceSearcher,
    uid: str,
    *,
    now_ms: int,
    is_wanted: Callable[[], bool] = lambda: True,
) -> Measured | None:
    """Measure thresholds on a collection's own faces.

    Args:
        log: Where the faces are.
        searcher: What searches when faces are named, so that it is measured as it serves.
        uid: Of the collection.
        now_ms: Milliseconds since 1970.
        is_wanted: Asked between steps.

    Returns:
        None: there is no face, or nobody wants it any more.

    Raises:
        CollectionNotFound: there is no such collection.
        ContractMismatch: its model was changed meanwhile.
        StoreUnavailable: the store does not answer.
    """
    read = read_sample(log, uid, is_wanted=is_wanted)
    if read is None:
        return None
    pairs = calibrate_pairs(read.sample)
    nearest = _nearest(searcher, uid, read, is_wanted)
    if nearest is None:
        return None
    photos = pairs.scores.photos
    calibration = Calibration(
        points=pairs.points,
        unsupported=pairs.unsupported,
        genuine_pairs=len(pairs.scores.genuine),
        impostor_pairs=pairs.scores.impostor_count,
        persons=len(photos),
        measured_ms=now_ms,
        at_version=read.version,
        contract=read.contract,
        searches=calibrate_searches(
            nearest,
            read.sample.persons,
            # Each face was searched for among all but those of its own person.
            faces=read.faces - int(photos.max(initial=0)),
            collection_faces=read.faces,
        ),
    )
    return Measured(calibration=calibration, pairs=pairs, read=read)


def _nearest(
    searcher: FaceSearcher, uid: str, read: CollectionSample, is_wanted: Callable[[], bool]
) -> NDArray[np.float32] | None:
    """The similarity of the most similar other person of each face; None: nobody wants it."""
    sample = read.sample
    nearest = np.full(len(sample.persons), -1, np.float32)
    for start in range(0, len(nearest), _SEARCHED_AT_ONCE):
        if not is_wanted():
            return None
        queries = sample.vectors[start : start + _SEARCHED_AT_ONCE]
        # A face finds its own person and, unless that one is alone, another.
        found = searcher.search(uid, queries, contract=read.contract, persons=2)
        for place, candidates in enumerate(found.candidates, start):
            others = [c for c in candidates if c.person_id != sample.persons[place]]
            nearest[place] = max((c.similarity for c in others), default=-1)
    return nearest
