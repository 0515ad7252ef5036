"""From which similarity on two faces count as one person's, in one comparison or among many.

A threshold is one that was measured, on the catalogue's labelled set ("preset") or on the
collection itself ("calibrated"), or one that the owner or the caller chose. None is interpolated;
only a search among more faces than any measured one suits gets a stricter one, and that is told.
Nothing here computes with vectors, so the gateway may use it as well.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from models.errors import ThresholdsMissing
from models.spec import VerificationThresholds
from workers.identities.extrapolation import SAME_RATE, beyond_measured, is_decade, is_same
from workers.identities.levels import IdentifyLevels, LevelSource, ThresholdPoint, VerifyLevels
from workers.identities.records import (
    CalibratedSearch,
    Calibration,
    Collection,
    EmbeddingContract,
    ThresholdPolicy,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Rule:
    """A measured threshold, and how many strangers it lets through among so many faces."""

    similarity: float
    #: None: it was measured by searches, not by pairs.
    far: float | None
    #: Share of strangers who reach it, at most; by the union bound it may come out above 1.
    expected: float


@dataclass(frozen=True, kw_only=True, slots=True)
class CollectionThresholds:
    """The thresholds of one collection, for one model."""

    policy: ThresholdPolicy
    #: Id of the model.
    model: str
    #: By falling rate.
    points: tuple[ThresholdPoint, ...]
    origin: str | None
    #: Thresholds for searches that were measured by searches; of a calibration only.
    searches: tuple[CalibratedSearch, ...] = ()
    #: Why rates are missing among the points: of a calibration, those it could not support.
    unsupported: tuple[tuple[float, str], ...] = ()

    def verify(self, *, far: float | None = None, threshold: float | None = None) -> VerifyLevels:
        """What decides on one comparison.

        Args:
            far: A measured false accept rate; the collection's own when not given.
            threshold: A similarity of the caller's own choice instead, -1 to 1.

        Raises:
            ThresholdsMissing: nothing was measured at that rate.
        """
        chosen = self._chosen(threshold, measured_wanted=far is not None)
        if chosen is not None:
            similarity, source = chosen
            return VerifyLevels(
                threshold=similarity,
                far=None,
                source=source,
                points=self.points,
                origin=self.origin,
            )
        point = self._at(self.policy.far if far is None else far)
        return VerifyLevels(
            threshold=point.similarity,
            far=point.far,
            source=self.policy.source,
            points=self.points,
            origin=self.origin,
        )

    def identify(
        self, *, faces: int, fpir: float | None = None, threshold: float | None = None
    ) -> IdentifyLevels:
        """What decides on a search.

        A stranger is compared with every face, so by the union bound (Boole's inequality) the
        share of strangers who reach a threshold is at most its false accept rate times the faces,
        however much the faces resemble each other. Where a calibration has searched the collection
        itself, the share it found counts as well. The loosest threshold is taken that keeps the
        share asked for.

        Args:
            faces: How many are searched, 0 and up.
            fpir: Share of strangers who may be named, 0 to 1; the collection's own when not given.
            threshold: A similarity of the caller's own choice instead, -1 to 1.

        Raises:
            ThresholdsMissing: nothing was measured for the model.
        """
        rules = self._rules(faces)
        chosen = self._chosen(threshold, measured_wanted=fpir is not None)
        if chosen is not None:
            return self._levels(*chosen, rules, faces=faces)
        if not rules:
            raise ThresholdsMissing(self._none_measured())
        asked = self.policy.fpir if fpir is None else fpir
        # 1e-5 of 1000 faces is 1e-2, whatever binary fractions make of it.
        keeping = [rule for rule in rules if rule.expected <= asked * (1 + SAME_RATE)]
        taken = keeping[0] if keeping else rules[-1]
        levels = self._levels(taken.similarity, self.policy.source, rules, faces=faces)
        levels = replace(levels, far=taken.far, fpir=asked, fpir_supported=bool(keeping))
        if keeping:
            return levels
        return beyond_measured(levels, {rule.similarity: rule.expected for rule in rules})

    def _chosen(
        self, threshold: float | None, *, measured_wanted: bool
    ) -> tuple[float, LevelSource] | None:
        """The similarity somebody chose; None: a measured one decides."""
        if threshold is not None:
            return threshold, "request"
        if self.policy.source != "fixed":
            return None
        if measured_wanted:
            raise ThresholdsMissing(
                "The collection's threshold is fixed, so no rate can be asked for. Send none, or"
                " change the collection's thresholds."
            )
        if self.policy.similarity is None:
            raise ThresholdsMissing("The collection's threshold is fixed, but it has none.")
        return self.policy.similarity, "fixed"

    def _levels(
        self, similarity: float, source: LevelSource, rules: Sequence[_Rule], *, faces: int
    ) -> IdentifyLevels:
        """A similarity as the threshold, with what the measured ones up to it say of it."""
        expected = [rule.expected for rule in rules if rule.similarity <= similarity]
        return IdentifyLevels(
            threshold=similarity,
            uncertain=self._uncertain(similarity),
            margin=self.policy.margin,
            far=None,
            faces=faces,
            fpir=None,
            expected_fpir=min(1.0, *expected) if expected else None,
            fpir_supported=None,
            source=source,
            points=self.points,
            origin=self.origin,
        )

    def _rules(self, faces: int) -> Sequence[_Rule]:
        """What is known of each measured threshold among so many faces, the loosest first."""
        by_pairs = [
            _Rule(
                similarity=point.similarity,
                far=point.far,
                expected=point.far_limit * faces,
            )
            for point in self.points
        ]
        # By the union bound again: k times the faces let k times as many strangers through.
        by_searches = [
            _Rule(
                similarity=search.similarity,
                far=None,
                expected=search.fpir * max(1.0, faces / search.faces),
            )
            for search in self.searches
        ]
        return sorted([*by_pairs, *by_searches], key=lambda rule: rule.similarity)

    def _uncertain(self, similarity: float) -> float:
        """Where persons are listed, if one is named from a similarity on."""
        reached = [point for point in self.points if point.similarity <= similarity]
        if not reached:
            return similarity
        looser = [point for point in self.points if is_decade(point.far, reached[-1].far)]
        return (looser[-1] if looser else self.points[0]).similarity

    def _at(self, far: float) -> ThresholdPoint:
        if not self.points:
            raise ThresholdsMissing(self._none_measured())
        for point in self.points:
            if is_same(point.far, far):
                return point
        for rate, reason in self.unsupported:
            if is_same(rate, far):
                raise ThresholdsMissing(f"No threshold at a false accept rate of {far:g}: {reason}")
        rates = ", ".join(f"{point.far:g}" for point in self.points)
        raise ThresholdsMissing(
            f"No threshold was measured for {self.model} at a false accept rate of {far:g};"
            f" take {rates}."
        )

    def _none_measured(self) -> str:
        if self.policy.source == "calibrated":
            return (
                f"The collection was not calibrated for {self.model}, or has too few faces for any"
                " rate. Calibrate it, or take the preset thresholds."
            )
        return (
            f"No thresholds were measured for {self.model}, so it can't tell matches from others."
            " Calibrate the collection, or fix a similarity."
        )


def collection_thresholds(
    collection: Collection,
    contract: EmbeddingContract,
    presets: Mapping[str, VerificationThresholds],
) -> CollectionThresholds:
    """The thresholds a collection decides by.

    Another model's are never used in their place, nor is a preset where a calibration is wanted.

    Args:
        collection: As the store knows it.
        contract: What made the embeddings that are compared.
        presets: By model id, as `Catalogue.thresholds` has them.
    """
    policy = collection.settings.thresholds
    preset = presets.get(contract.model)
    if policy.source == "calibrated":
        calibration = collection.calibration
        if calibration is not None and calibration.contract == contract:
            return calibrated_thresholds(policy, calibration)
        return CollectionThresholds(policy=policy, model=contract.model, points=(), origin=None)
    return preset_thresholds(policy, contract.model, preset)


def preset_thresholds(
    policy: ThresholdPolicy, model: str, preset: VerificationThresholds | None
) -> CollectionThresholds:
    """Thresholds by the catalogue; None: nothing was measured for the model."""
    points = [
        ThresholdPoint(
            far=point.far, similarity=point.similarity, tar=point.tar, far_limit=point.far
        )
        for point in (preset.points if preset else ())
    ]
    return CollectionThresholds(
        policy=policy,
        model=model,
        points=_by_falling_far(points),
        origin=preset.origin if preset else None,
    )


def calibrated_thresholds(
    policy: ThresholdPolicy, calibration: Calibration
) -> CollectionThresholds:
    """Thresholds by what was measured on a collection itself."""
    points = [
        ThresholdPoint(
            far=point.far,
            similarity=point.similarity,
            tar=point.tar,
            far_limit=max(point.far, point.far_high),
        )
        for point in calibration.points
    ]
    return CollectionThresholds(
        policy=policy,
        model=calibration.contract.model,
        points=_by_falling_far(points),
        origin=(
            f"calibrated on the collection at version {calibration.at_version}:"
            f" {calibration.persons} persons, {calibration.impostor_pairs} impostor pairs"
        ),
        searches=calibration.searches,
        unsupported=calibration.unsupported,
    )


def _by_falling_far(points: Sequence[ThresholdPoint]) -> tuple[ThresholdPoint, ...]:
    return tuple(sorted(points, key=lambda point: -point.far))
