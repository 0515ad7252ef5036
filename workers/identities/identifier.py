"""Who faces are: searched, looked up at the last moment, decided, noted, and only then told."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from models.errors import ModelsError
from models.spec import VerificationThresholds
from workers.answers.identity import CandidateAnswer, IdentificationAnswer, IdentityAnswer
from workers.answers.sealed_person import SealedPersonAnswer
from workers.errors import WorkersError
from workers.identities.decision import decide
from workers.identities.embeddings import contract_of, queries_of
from workers.identities.errors import KeyDestroyed
from workers.identities.levels import IdentifyLevels
from workers.identities.opening import Identities
from workers.identities.records import Collection, Person
from workers.identities.search import Candidate, FaceSearcher, Found
from workers.identities.threshold_answers import measured_thresholds
from workers.identities.thresholds import collection_thresholds
from workers.identities.told_persons import sealed_person
from workers.identities.trace_records import AuditEvent
from workers.naming import Named, NamingOrder, SeenFace


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """A candidate who is in the collection at this moment."""

    person: SealedPersonAnswer
    face_id: str
    similarity: float

    @property
    def person_id(self) -> str:
        """Id of the person."""
        return self.person.id


class Identifier:
    """Names faces by the collections of known people; see workers.naming.Namer.

    It fails closed: without the store, the keys or the index nobody is named, and a face that is
    not what its request requires is not even searched for.

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
        self._identities = identities
        self._searcher = searcher
        self._presets = presets

    def name(self, orders: Sequence[NamingOrder]) -> list[Named | Exception]:
        """See workers.naming.Namer; orders of one collection are searched together."""
        groups: defaultdict[str, list[int]] = defaultdict(list)
        for place, order in enumerate(orders):
            groups[order.options.collection].append(place)
        named: dict[int, Named | Exception] = {}
        for uid, places in groups.items():
            of_one = [orders[place] for place in places]
            try:
                found: Sequence[Named | Exception] = self._in_one_collection(uid, of_one)
            except (WorkersError, ModelsError) as error:
                found = [error] * len(of_one)
            named |= dict(zip(places, found, strict=True))
        return [named[place] for place in range(len(orders))]

    def _in_one_collection(self, uid: str, orders: Sequence[NamingOrder]) -> list[Named]:
        collection = self._identities.collections.by_uid(uid)
        allowed = [face for order in orders for face in order.faces if not face.refusals]
        found = self._search(collection, orders, allowed)
        # Last of all: whoever was deleted meanwhile is never told.
        persons = self._identities.persons.resolve(
            uid, {one.face_id for candidates in found.candidates for one in candidates}
        )
        told = self._sealed(uid, persons)
        known = {
            id(face): _known(candidates, told)
            for face, candidates in zip(allowed, found.candidates, strict=True)
        }
        named = [self._named(order, collection, found, known) for order in orders]
        for order, one in zip(orders, named, strict=True):
            self._identities.forgetting.audit(uid, _event(order, one.faces))
        return named

    def _sealed(self, uid: str, persons: Mapping[str, Person]) -> Mapping[str, SealedPersonAnswer]:
        """By face id the person as the answer holds them; of those who are still there."""
        sealed: dict[str, SealedPersonAnswer] = {}
        for person in {one.id: one for one in persons.values()}.values():
            with suppress(KeyDestroyed):  # deleted right now: nobody
                sealed[person.id] = sealed_person(self._identities.seals, uid, person)
        return {
            face_id: sealed[person.id] for face_id, person in persons.items() if person.id in sealed
        }

    def _search(
        self, collection: Collection, orders: Sequence[NamingOrder], faces: Sequence[SeenFace]
    ) -> Found:
        if not faces:
            return _nothing_searched(collection)
        return self._searcher.search(
            collection.uid,
            queries_of([face.embedding for face in faces]),
            contract=contract_of(faces[0].embedding),
            # The second says how sure the first is; one more, as somebody may just have gone.
            persons=max(2, *(order.options.candidates for order in orders)) + 1,
        )

    def _named(
        self,
        order: NamingOrder,
        collection: Collection,
        found: Found,
        known: Mapping[int, Sequence[Known]],
    ) -> Named:
        levels = self._levels(order, collection, found)
        return Named(
            whole=_whole(collection, found, levels),
            faces=[
                _identity(face, known.get(id(face), ()), levels, most=order.options.candidates)
                for face in order.faces
            ],
        )

    def _levels(
        self, order: NamingOrder, collection: Collection, found: Found
    ) -> IdentifyLevels | None:
        """What decides on the faces; None: there is no face on either side."""
        contract = contract_of(order.faces[0].embedding) if order.faces else found.contract
        if contract is None:
            return None
        rules = collection_thresholds(collection, contract, self._presets)
        return rules.identify(
            faces=found.faces, fpir=order.options.fpir, threshold=order.options.threshold
        )


def _nothing_searched(collection: Collection) -> Found:
    return Found(
        candidates=(),
        version=collection.version,
        faces=collection.faces,
        persons=collection.persons,
        contract=collection.contract,
        index="none",
    )


def _known(
    candidates: Iterable[Candidate], persons: Mapping[str, SealedPersonAnswer]
) -> list[Known]:
    """Those who are still there, each person once: two may have been merged meanwhile."""
    found: dict[str, Known] = {}
    for one in candidates:
        person = persons.get(one.face_id)
        if person is not None and person.id not in found:
            found[person.id] = Known(person=person, face_id=one.face_id, similarity=one.similarity)
    return list(found.values())


def _identity(
    face: SeenFace, known: Sequence[Known], levels: IdentifyLevels | None, *, most: int
) -> IdentityAnswer:
    """Who a face is; `most` persons are told at most."""
    if face.refusals or levels is None:
        return _unknown(face.refusals)
    decision = decide(
        [replace(one, similarity=one.similarity * face.agreement) for one in known], levels
    )
    return IdentityAnswer(
        decision=decision.outcome,
        person=decision.person.person if decision.person else None,
        candidates=tuple(
            CandidateAnswer(person=one.person, face_id=one.face_id, similarity=one.similarity)
            for one in decision.candidates[:most]
        ),
        similarity=decision.similarity,
        margin=decision.margin,
        reasons=(decision.reason,),
    )


def _unknown(reasons: tuple[str, ...]) -> IdentityAnswer:
    return IdentityAnswer(
        decision="unknown",
        person=None,
        candidates=(),
        similarity=None,
        margin=None,
        reasons=reasons,
    )


def _whole(
    collection: Collection, found: Found, levels: IdentifyLevels | None
) -> IdentificationAnswer:
    policy = collection.settings.thresholds
    return IdentificationAnswer(
        collection=collection.id,
        version=found.version,
        persons=found.persons,
        faces=found.faces,
        index=found.index,
        threshold=levels.threshold if levels else None,
        uncertain_threshold=levels.uncertain if levels else None,
        min_margin=policy.margin,
        source=levels.source if levels else policy.source,
        far=levels.far if levels else None,
        fpir=levels.fpir if levels else None,
        fpir_expected=levels.expected_fpir if levels else None,
        fpir_supported=levels.fpir_supported if levels else None,
        threshold_extrapolated=levels.is_extrapolated if levels else False,
        thresholds=measured_thresholds(levels.points) if levels else (),
        origin=levels.origin if levels else None,
    )


def _event(order: NamingOrder, faces: Sequence[IdentityAnswer]) -> AuditEvent:
    """What the audit notes: whoever was told of is concerned, named or listed."""
    told = dict.fromkeys(one.person.id for face in faces for one in face.candidates)
    counts = Counter(face.decision for face in faces)
    return AuditEvent(
        action="identified",
        by=order.options.by,
        credential_id=order.options.credential_id,
        cause=order.cause,
        person_ids=tuple(told),
        detail={"faces": str(len(faces)), **{name: str(n) for name, n in counts.items()}},
    )
