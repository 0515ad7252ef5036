"""What is held against a face that is to be enrolled: the person's others, and everybody else's."""

from collections import defaultdict
from collections.abc import Collection as Some
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.errors import ThresholdsMissing
from models.spec import VerificationThresholds
from workers.identities.answers import SimilarPersonAnswer
from workers.identities.consistency import Consistency, consistency
from workers.identities.embeddings import contract_of, matrix_of, queries_of
from workers.identities.enroll_order import Enrolling
from workers.identities.errors import PersonNotFound
from workers.identities.opening import Identities
from workers.identities.records import Collection, EmbeddingContract, ThresholdPolicy
from workers.identities.search import FaceSearcher
from workers.identities.seen import FacesCame
from workers.identities.thresholds import collection_thresholds, preset_thresholds

Rows = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Levels:
    """Similarities that checks go by."""

    #: From which on a face may be the person's.
    same: float
    #: From which on it is somebody's.
    somebody: float


@dataclass(frozen=True, kw_only=True, slots=True)
class _Other:
    """A person a face is not enrolled for, and how similar they are."""

    person: str
    similarity: float


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Call:
    """The faces of a call, with what is known of their collection."""

    faces: Sequence[Enrolling]
    #: (N, D), L2 norm 1.
    rows: Rows
    #: By person the faces they have, (M, D).
    known: dict[str, Rows]
    levels: _Levels
    strict: bool


class Checked:
    """Faces that were checked, until they are added: others are adding faces as well.

    Args:
        call: The faces.
        version: Of the collection they were compared with.
    """

    def __init__(self, call: _Call, version: int) -> None:
        self._call = call
        #: Up to which they were compared with everybody's.
        self.version = version

    def hold_against(self, came: FacesCame) -> frozenset[str]:
        """Strike those that are not added yet for what has come since, as for what was there.

        Returns:
            Ids of those that are to be added.

        Raises:
            ContractMismatch: the collection's embeddings are another model's by now.
        """
        call = self._call
        ours = {face.order.face_id for face in call.faces}
        new = [one for one in came.vectors if one.face_id not in ours]
        rows = matrix_of(new, dimensions=call.rows.shape[1])
        for number, one in enumerate(new):
            known = call.known.get(one.person_id)
            if known is not None:
                call.known[one.person_id] = np.concatenate([known, rows[number : number + 1]])
        for place, face in enumerate(call.faces):
            if face.goes_on:
                similarities = rows @ call.rows[place]
                others = [
                    _Other(person=one.person_id, similarity=float(similarity))
                    for one, similarity in zip(new, similarities, strict=True)
                    if one.person_id != face.order.person
                ]
                _check_others(call, place, others)
        _check_again(call, {one.person_id for one in new})
        self.version = came.version
        return frozenset(face.order.face_id for face in call.faces if face.goes_on)


class FaceChecks:
    """Holds the faces of an enrolment against each other and against everybody's.

    What strikes is refused by a strict collection. A standard one refuses a face that is unlike
    those the person's photos agree on, and warns of the rest.

    Args:
        identities: The stores of known people.
        searcher: Finds who resembles a face.
        presets: Thresholds measured for recognition models, by id.
    """

    def __init__(
        self,
        identities: Identities,
        searcher: FaceSearcher,
        presets: Mapping[str, VerificationThresholds],
    ) -> None:
        self._persons = identities.persons
        self._searcher = searcher
        self._presets = presets

    def check(self, collection: Collection, faces: Sequence[Enrolling]) -> Checked | None:
        """Refuse or warn; those whose person is not there (any more) fail.

        Args:
            collection: Where they are to be enrolled.
            faces: At least one, each with its embedding, all of one model.

        Returns:
            What goes on with what others add meanwhile; None: nothing can be compared.

        Raises:
            ContractMismatch: the collection's embeddings are another model's.
            StoreUnavailable: what is there can't be read.
        """
        strict = collection.settings.quality == "strict"
        embeddings = [face.embedding for face in faces if face.embedding]
        contract = contract_of(embeddings[0])
        levels = _levels(collection, contract, self._presets)
        if levels is None:
            for face in faces:
                _strike(face, "similarity_not_checked", refused=strict)
            return None
        rows = queries_of(embeddings)
        known = self._known(collection, faces, contract)
        others, version = self._others(collection, faces, rows, contract)
        call = _Call(faces=faces, rows=rows, known=known, levels=levels, strict=strict)
        for place, face in enumerate(faces):
            if face.goes_on:
                _check_others(call, place, [*_earlier_others(call, place), *others[place]])
            if face.goes_on and face.order.alone:
                _check_own(call, [place], _known_to(call, place))
        _check_together(call, known)
        return Checked(call, version)

    def _known(
        self, collection: Collection, faces: Sequence[Enrolling], contract: EmbeddingContract
    ) -> dict[str, Rows]:
        """By person the faces they have, those of this call left out: it may be a repeated one."""
        uid, ours = collection.uid, {face.order.face_id for face in faces}
        known = {}
        for person in dict.fromkeys(face.order.person for face in faces):
            try:
                has = [one.id for one in self._persons.faces(uid, person) if one.id not in ours]
            except PersonNotFound as error:
                has = []
                for face in faces:
                    face.failure = error if face.order.person == person else face.failure
            vectors = self._persons.vectors(uid, has) if has else ()
            known[person] = matrix_of(vectors, dimensions=contract.dimensions)
        return known

    def _others(
        self,
        collection: Collection,
        faces: Sequence[Enrolling],
        rows: Rows,
        contract: EmbeddingContract,
    ) -> tuple[list[list[_Other]], int]:
        """For each face the most similar other person of the collection, and its version."""
        found = self._searcher.search(collection.uid, rows, contract=contract, persons=2)
        asked = {one.face_id for candidates in found.candidates for one in candidates}
        persons = self._persons.resolve(collection.uid, asked)
        others: list[list[_Other]] = []
        for face, candidates in zip(faces, found.candidates, strict=True):
            still_there = (
                _Other(person=persons[one.face_id].id, similarity=one.similarity)
                for one in candidates
                if one.face_id in persons
            )
            others.append([o for o in still_there if o.person != face.order.person][:1])
        return others, found.version


def _levels(
    collection: Collection,
    contract: EmbeddingContract,
    presets: Mapping[str, VerificationThresholds],
) -> _Levels | None:
    """What checks go by; None: nothing was measured for the model, nor chosen.

    A collection that is yet to be calibrated has faces first; so the preset takes part here.
    """
    rules = collection_thresholds(collection, contract, presets)
    preset = preset_thresholds(ThresholdPolicy(), contract.model, presets.get(contract.model))
    for each in (rules, preset):
        try:
            somebody = each.identify(faces=collection.faces).threshold
        except ThresholdsMissing:
            continue
        # The loosest there is: a face is struck only where it is hardly the person's.
        loosest = min((point.similarity for point in each.points), default=somebody)
        return _Levels(same=min(loosest, somebody), somebody=somebody)
    return None


def _known_to(call: _Call, place: int) -> Rows:
    """The person's faces, with those of the call that come before, as if one were added by one."""
    face = call.faces[place]
    known = call.known[face.order.person]
    if not face.order.alone:
        return known
    earlier = [
        number
        for number, one in enumerate(call.faces[:place])
        if one.goes_on and one.order.person == face.order.person
    ]
    return np.concatenate([known, call.rows[earlier]])


def _earlier_others(call: _Call, place: int) -> list[_Other]:
    """Others' faces that come before it in the call: they are not in the collection yet."""
    face, row = call.faces[place], call.rows[place]
    return [
        _Other(person=one.order.person, similarity=float(call.rows[number] @ row))
        for number, one in enumerate(call.faces[:place])
        if one.goes_on and one.order.person != face.order.person
    ]


def _check_others(call: _Call, place: int, others: Sequence[_Other]) -> None:
    """Strike a face that is nearer to another person than to its own."""
    face, row = call.faces[place], call.rows[place]
    own = float((_known_to(call, place) @ row).max(initial=-1.0))
    nearest = max(others, key=lambda one: one.similarity, default=None)
    before = face.similar_to.similarity if face.similar_to else -1.0
    if nearest and nearest.similarity >= max(call.levels.somebody, own, before):
        face.similar_to = SimilarPersonAnswer(
            person_id=nearest.person,
            similarity=nearest.similarity,
            threshold=call.levels.somebody,
        )
        _strike(face, "identity_similarity_conflict", refused=call.strict)


def _check_again(call: _Call, persons: Some[str]) -> None:
    """Strike faces of persons who have others by now."""
    for place, face in enumerate(call.faces):
        if face.goes_on and face.order.alone and face.order.person in persons:
            _check_own(call, [place], _known_to(call, place))
    _check_together(call, persons)


def _check_together(call: _Call, persons: Some[str]) -> None:
    """Strike faces of persons that are checked against each other."""
    for person, places in _together(call.faces).items():
        if person in persons:
            _check_own(call, places, call.known[person])


def _check_own(call: _Call, places: Sequence[int], known: Rows) -> None:
    """Strike those of a person's photos that may show somebody else."""
    if len(places) == 1 and not len(known):
        return
    found: Consistency = consistency(call.rows[list(places)], known, threshold=call.levels.same)
    for place in found.outliers:
        _strike(call.faces[places[place]], "another_person", refused=True)
    for place in found.doubtful:
        _strike(call.faces[places[place]], "another_person", refused=call.strict)


def _together(faces: Sequence[Enrolling]) -> Mapping[str, Sequence[int]]:
    """Places of faces that are checked against each other, by person."""
    places: defaultdict[str, list[int]] = defaultdict(list)
    for place, face in enumerate(faces):
        if face.goes_on and not face.order.alone:
            places[face.order.person].append(place)
    return places


def _strike(face: Enrolling, reason: str, *, refused: bool) -> None:
    if refused and face.goes_on:
        face.refuse(reason)
    elif face.goes_on:
        face.warn(reason)
