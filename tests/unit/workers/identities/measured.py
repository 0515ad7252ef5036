"""A collection with measured thresholds, as tests of decisions have it."""

from dataclasses import replace

from models.spec import OperatingPoint, VerificationThresholds
from workers.identities.records import (
    CalibratedPoint,
    CalibratedSearch,
    Calibration,
    Collection,
    CollectionSettings,
    EmbeddingContract,
    ThresholdPolicy,
)
from workers.identities.thresholds import CollectionThresholds, collection_thresholds

CONTRACT = EmbeddingContract(model="net", sha256="a" * 64, preprocessing_version="1", dimensions=4)
PRESET = VerificationThresholds(
    points=tuple(
        OperatingPoint(far=far, similarity=similarity, tar=0.9)
        # In another order than by rate, as a file may have them.
        for far, similarity in ((1e-4, 0.4), (1e-2, 0.2), (1e-5, 0.5), (1e-3, 0.3))
    ),
    genuine_pairs=10,
    impostor_pairs=1_000_000,
    origin="somewhere",
)


def collection(policy: ThresholdPolicy, calibration: Calibration | None = None) -> Collection:
    return Collection(
        uid="col_" + "0" * 32,
        id="album",
        owner="u1",
        model=None,
        contract=CONTRACT,
        settings=CollectionSettings(thresholds=policy),
        calibration=calibration,
        generation=1,
        reembedding=None,
        persons=0,
        faces=0,
        version=0,
        revision=1,
        keys_version=1,
        created_ms=0,
        updated_ms=0,
    )


def rules(
    policy: ThresholdPolicy | None = None, calibration: Calibration | None = None
) -> CollectionThresholds:
    found = collection(policy or ThresholdPolicy(), calibration)
    return collection_thresholds(found, CONTRACT, {"net": PRESET})


def point(far: float, similarity: float, *, far_high: float) -> CalibratedPoint:
    return CalibratedPoint(
        far=far,
        similarity=similarity,
        far_low=far / 2,
        far_high=far_high,
        tar=None,
        tar_low=None,
        tar_high=None,
    )


CALIBRATION = Calibration(
    points=(point(1e-2, 0.1, far_high=2e-2), point(5e-3, 0.15, far_high=6e-3)),
    unsupported=((1e-3, "Too few persons."),),
    genuine_pairs=0,
    impostor_pairs=5_000,
    persons=100,
    measured_ms=0,
    at_version=7,
    contract=CONTRACT,
)
CALIBRATED = ThresholdPolicy(source="calibrated", far=5e-3)
FIXED = ThresholdPolicy(source="fixed", similarity=0.35)
SEARCHED = replace(
    CALIBRATION,
    searches=(CalibratedSearch(fpir=1e-2, similarity=0.3, measured=5e-3, faces=1200),),
)
