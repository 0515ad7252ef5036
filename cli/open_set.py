"""Open-set identification on labelled faces: half of the people are enrolled, half are strangers.

Everything that decides is what a server runs: the index, the levels and the decision.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from models.evaluation.verification import FaceVectors, person_of
from models.spec import VerificationThresholds
from workers.identities.calibration_run import Measured, measure_collection
from workers.identities.decision import decide
from workers.identities.embeddings import STORED
from workers.identities.index.searcher import LocalSearcher
from workers.identities.levels import IdentifyLevels
from workers.identities.memory_faces import MemoryFaces
from workers.identities.records import EmbeddingContract, FaceVector, ThresholdPolicy
from workers.identities.search import Candidate
from workers.identities.thresholds import (
    CollectionThresholds,
    calibrated_thresholds,
    preset_thresholds,
)

#: Shares of strangers who may be named, as asked of a search.
FPIRS = (1e-1, 1e-2, 1e-3)
#: The collection of an evaluation.
_UID = "col_" + "0" * 32
#: As many as the setting `identity_exact_faces` has without being set.
_EXACT_FACES = 50_000
#: Persons a search answers with: the second decides on the margin.
_CANDIDATES = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Split:
    """Who is enrolled, and who is searched for; rows of the vectors."""

    enrolled: tuple[int, ...]
    #: One further photo of each enrolled person who has one.
    mates: tuple[int, ...]
    #: All photos of everybody else.
    strangers: tuple[int, ...]


@dataclass(kw_only=True, slots=True)
class Tally:
    """What was decided, by person: photos of one person stand and fall together."""

    #: Decisions on photos of strangers, and of enrolled persons.
    strangers: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    mates: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    #: The levels of each split.
    levels: list[IdentifyLevels] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True, slots=True)
class Searched:
    """The photos of a split with what the search found for each."""

    split: Split
    #: Who each photo shows, by row.
    people: Sequence[str]
    found: Mapping[int, Sequence[Candidate]]
    #: What was measured on the enrolled faces; strangers and further photos had no part in it.
    measured: Measured | None
    faces: int

    def tally(self, levels: IdentifyLevels, tally: Tally) -> None:
        """Decide on each photo."""
        tally.levels.append(levels)
        for row in self.split.strangers:
            tally.strangers[self.people[row]][decide(self.found[row], levels).outcome] += 1
        for row in self.split.mates:
            person = self.people[row]
            decision = decide(self.found[row], levels)
            is_right = decision.person is not None and decision.person.person_id == person
            word = "wrong" if decision.person and not is_right else decision.outcome
            tally.mates[person][word] += 1


def splits(files: Sequence[str], *, count: int, persons: int | None = None) -> list[Split]:
    """Halves of the people, drawn with the seeds 0, 1, 2 and so on.

    Args:
        files: Named after the person, then `_` and a number.
        count: How many.
        persons: Enrol only so many of the half, which makes no more strangers.
    """
    rows: defaultdict[str, list[int]] = defaultdict(list)
    for row, file in enumerate(files):
        rows[person_of(file)].append(row)
    return [_split(rows, np.random.default_rng(seed), persons) for seed in range(count)]


def _split(
    rows: Mapping[str, Sequence[int]], rng: np.random.Generator, persons: int | None
) -> Split:
    names = rng.permutation(sorted(rows)).tolist()
    half = len(names) // 2
    known, strangers = names[:half][:persons], names[half:]
    enrolled: list[int] = []
    mates: list[int] = []
    for name in known:
        *rest, last = rng.permutation(rows[name]).tolist()
        enrolled += rest or [last]
        mates += [last] if rest else []
    return Split(
        enrolled=tuple(enrolled),
        mates=tuple(mates),
        strangers=tuple(row for name in strangers for row in rows[name]),
    )


def search_split(vectors: FaceVectors, contract: EmbeddingContract, split: Split) -> Searched:
    """Enrol, measure the collection, and search for each photo."""
    people = [person_of(file) for file in vectors.files]
    store = MemoryFaces()
    store.create(_UID, contract)
    for row in split.enrolled:
        stored = vectors.vectors[row].astype(STORED).tobytes()
        face = FaceVector(face_id=f"face_{row:032x}", person_id=people[row], vector=stored)
        store.add(_UID, [face])
    searcher = LocalSearcher(
        store, store, index_mb=1024, process="evaluation", exact_faces=_EXACT_FACES
    )
    rows = [*split.mates, *split.strangers]
    found = searcher.search(_UID, _rows(vectors, rows), contract=contract, persons=_CANDIDATES)
    return Searched(
        split=split,
        people=people,
        found=dict(zip(rows, found.candidates, strict=True)),
        measured=measure_collection(store, searcher, _UID, now_ms=0),
        faces=found.faces,
    )


def rules_of(
    searched: Searched, model: str, preset: VerificationThresholds | None
) -> dict[str, CollectionThresholds]:
    """By the source of the thresholds the rules for a split; without a source that has none."""
    rules = {"preset": preset_thresholds(ThresholdPolicy(), model, preset)}
    if searched.measured is not None:
        policy = ThresholdPolicy(source="calibrated")
        rules["calibrated"] = calibrated_thresholds(policy, searched.measured.calibration)
    return {source: rule for source, rule in rules.items() if rule.points or rule.searches}


def _rows(vectors: FaceVectors, rows: Sequence[int]) -> NDArray[np.float32]:
    return vectors.vectors[np.array(rows, np.intp)]
