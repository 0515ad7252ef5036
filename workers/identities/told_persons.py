"""Persons in results of jobs: sealed by the worker that names them, opened by whoever reads them.

A result is stored outside the collection and outlives a deletion, in backups for years. So it holds
a person's id in the open, and the rest sealed under the person's own leaf: once that key is
destroyed, no copy of the result names them any more.
"""

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import structlog

from workers.answers.identity import KnownPersonAnswer, UnreadableReason
from workers.answers.sealed_person import SealedPersonAnswer
from workers.identities.errors import (
    CollectionNotFound,
    KeyDestroyed,
    SealBroken,
    VaultUnavailable,
)
from workers.identities.opening import Identities
from workers.identities.records import Person
from workers.identities.refusals import no_person
from workers.identities.seals import Seals

#: A SealedPersonAnswer as pydantic writes it: id, leaf, base64url. Within a text of JSON every
#: quotation mark has a backslash before it, so no text of a client's can look like this.
_SEALED = re.compile(
    r'\{"id":"(?P<id>[A-Za-z0-9._-]{1,64})",'
    r'"sealed":"(?P<leaf>[0-9]{1,10})\.(?P<text>[A-Za-z0-9_=-]+)"\}'
)

_log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True, slots=True)
class ToldResults:
    """Results with their persons opened."""

    #: In their order; of those without persons the very texts that were given.
    texts: tuple[str, ...]
    #: Persons who could not be read although nobody deleted them, by why.
    unreadable: Counter[str]


def sealed_person(seals: Seals, uid: str, person: Person) -> SealedPersonAnswer:
    """A person as a result holds them.

    Args:
        seals: The keys of collections.
        uid: Of the collection.
        person: As they are now; a later name is not the result's.

    Raises:
        KeyDestroyed: they were deleted meanwhile.
        VaultUnavailable: the keys can't be had.
    """
    told = {
        "name": person.name,
        "external_id": person.external_id,
        "metadata": dict(person.metadata),
    }
    plain = json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()
    sealed = seals.seal(uid, person.leaf, plain, purpose=_purpose(person.id))
    return SealedPersonAnswer(
        id=person.id, sealed=f"{person.leaf}.{urlsafe_b64encode(sealed).decode()}"
    )


def sealed_now(
    identities: Identities, uid: str, person_id: str, *, leaf: int
) -> tuple[Person, SealedPersonAnswer]:
    """A person as they are at this moment, and as a result holds them.

    Args:
        identities: The stores of known people.
        uid: Of the collection.
        person_id: The client's id of the person.
        leaf: Of whom the result is about: whoever was made anew under the id is not meant.

    Raises:
        PersonNotFound: they are not there (any more).
        VaultUnavailable: see `sealed_person`.
    """
    person = identities.persons.get(uid, person_id)
    if person.leaf != leaf:
        raise no_person()
    try:
        return person, sealed_person(identities.seals, uid, person)
    except KeyDestroyed:
        raise no_person() from None


def told_results(identities: Identities, uid: str, texts: Sequence[str]) -> ToldResults:
    """Open the persons in results of one collection.

    Costs one question to the store, whatever the number of results; nothing where nobody is named.
    Results of before persons were sealed pass as they are.

    Args:
        identities: The stores of known people, and their keys.
        uid: Of the collection that the results' jobs were asked to name by.
        texts: Results as workers wrote them, JSON.

    Raises:
        StoreUnavailable: who was deleted can't be read, so nobody is told.
    """
    leaves = {int(match["leaf"]) for text in texts for match in _SEALED.finditer(text)}
    if not leaves:
        return ToldResults(texts=tuple(texts), unreadable=Counter())
    opening = _Opening(identities.seals, uid, _gone(identities, uid, leaves))
    told = tuple(_SEALED.sub(opening.told, text) for text in texts)
    if opening.unreadable:
        _log.error(
            "results.persons_unreadable",
            collection=uid,
            error=opening.error,
            **opening.unreadable,
        )
    return ToldResults(texts=told, unreadable=opening.unreadable)


class _Opening:
    """Opens the persons of one answer; once the vault is away it is not asked again."""

    def __init__(self, seals: Seals, uid: str, gone: Collection[int]) -> None:
        self._seals = seals
        self._uid = uid
        self._gone = gone
        self._is_away = False
        self.unreadable: Counter[str] = Counter()
        #: What the last one met that could not be read.
        self.error = ""

    def told(self, found: re.Match[str]) -> str:
        """What is told in place of a sealed person, JSON."""
        return self._person(found).model_dump_json(exclude_unset=True)

    def _person(self, found: re.Match[str]) -> KnownPersonAnswer:
        id_, leaf = found["id"], int(found["leaf"])
        if leaf in self._gone:
            return _unreadable(id_, "forgotten")
        if self._is_away:
            return self._counted(id_, "keys_unavailable")
        try:
            sealed = urlsafe_b64decode(found["text"])
            plain = self._seals.open(self._uid, leaf, sealed, purpose=_purpose(id_))
            return KnownPersonAnswer(id=id_, **json.loads(plain))
        except KeyDestroyed:
            return _unreadable(id_, "forgotten")
        except VaultUnavailable as error:
            self._is_away, self.error = True, str(error)
            return self._counted(id_, "keys_unavailable")
        except (SealBroken, ValueError) as error:
            self.error = type(error).__name__
            return self._counted(id_, "damaged")

    def _counted(self, person_id: str, reason: UnreadableReason) -> KnownPersonAnswer:
        self.unreadable[reason] += 1
        return _unreadable(person_id, reason)


def _gone(identities: Identities, uid: str, leaves: Collection[int]) -> Collection[int]:
    """Those whose persons were deleted, although their keys may still be there for seconds."""
    try:
        return identities.forgetting.doomed_among(uid, leaves)
    except CollectionNotFound:
        return leaves


def _unreadable(person_id: str, reason: UnreadableReason) -> KnownPersonAnswer:
    return KnownPersonAnswer(
        id=person_id, name=None, external_id=None, metadata=None, unreadable=reason
    )


def _purpose(person_id: str) -> str:
    return f"told {person_id}"
