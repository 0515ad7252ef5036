"""Who a face is: the decision on what a search found. Pure, so that it can be tested whole."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Literal, Protocol, TypeVar

from workers.identities.levels import IdentifyLevels

#: match: the person is named. uncertain: persons are listed, none is named. unknown: neither.
Outcome = Literal["match", "uncertain", "unknown"]
#: Why. above_threshold: the best person reaches the threshold, and no other comes near.
#: near_threshold: the best reaches the uncertain level only. too_close: the second is nearer to
#: the best than the margin. fpir_unsupported: the best reaches all measured thresholds, but none of
#: them keeps the rate asked for among so many faces. below_threshold: nobody is similar. no_faces:
#: there is nobody to find.
Reason = Literal[
    "above_threshold",
    "near_threshold",
    "too_close",
    "fpir_unsupported",
    "below_threshold",
    "no_faces",
]


class Similar(Protocol):
    """A person a face resembles; see `workers.identities.search.Candidate`."""

    @property
    def person_id(self) -> str:
        """Id of the person."""
        ...

    @property
    def similarity(self) -> float:
        """Cosine with the most similar of the person's faces, -1 to 1."""
        ...


C = TypeVar("C", bound=Similar)


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision(Generic[C]):
    """What may be told of a face."""

    outcome: Outcome
    reason: Reason
    #: Who it is; None unless it is a match.
    person: C | None
    #: Who may be listed, by falling similarity: those who reach the uncertain level, the named
    #: person first; empty when unknown.
    candidates: tuple[C, ...]
    #: Of the best person, whoever that is; None: there is nobody.
    similarity: float | None
    #: Distance in similarity of the best person to the second; None: there is no second.
    margin: float | None


def decide(candidates: Sequence[C], levels: IdentifyLevels) -> Decision[C]:
    """Decide who a face is.

    Args:
        candidates: Persons, each at most once, in any order; at least the two most similar ones
            where there are two, or the margin can't be known.
        levels: See CollectionThresholds.identify.

    Raises:
        ValueError: a person comes twice, so the second would not be another one.
    """
    ranked = sorted(candidates, key=lambda one: (-one.similarity, one.person_id))
    if len({one.person_id for one in ranked}) < len(ranked):
        raise ValueError("A person is among the candidates twice.")
    if not ranked:
        return Decision(
            outcome="unknown",
            reason="no_faces",
            person=None,
            candidates=(),
            similarity=None,
            margin=None,
        )
    best = ranked[0]
    margin = best.similarity - ranked[1].similarity if len(ranked) > 1 else None
    outcome, reason = _outcome(best.similarity, margin, levels)
    listed = tuple(one for one in ranked if one.similarity >= levels.uncertain)
    return Decision(
        outcome=outcome,
        reason=reason,
        person=best if outcome == "match" else None,
        candidates=listed if outcome != "unknown" else (),
        similarity=best.similarity,
        margin=margin,
    )


def _outcome(
    similarity: float, margin: float | None, levels: IdentifyLevels
) -> tuple[Outcome, Reason]:
    if similarity < levels.uncertain:
        return "unknown", "below_threshold"
    if similarity < levels.threshold:
        was_measured = levels.is_extrapolated and similarity >= levels.points[-1].similarity
        return "uncertain", "fpir_unsupported" if was_measured else "near_threshold"
    if levels.fpir_supported is False and not levels.is_extrapolated:
        return "uncertain", "fpir_unsupported"
    if margin is not None and margin < levels.margin:
        return "uncertain", "too_close"
    return "match", "above_threshold"
