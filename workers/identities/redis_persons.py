"""Persons on Redis or Valkey: thin calls to `workers/identities/lua`, and what they can't seal."""

from collections.abc import Sequence
from typing import Any

from workers.identities.collection_hashes import certificate_of, event_text
from workers.identities.errors import (
    ConsentMissing,
    ExternalIdTaken,
    IdentityError,
    KeyDestroyed,
    PersonExists,
    RevisionMismatch,
    TooManyPersons,
)
from workers.identities.face_records import (
    PersonRecord,
    consent_ms,
    person_of,
    person_plain,
    person_record,
)
from workers.identities.records import NewPerson, Person
from workers.identities.redis_collections import new_certificate_id
from workers.identities.redis_faces import RedisFaces
from workers.identities.refusals import ATTEMPTS, busy, no_person
from workers.identities.store import Page
from workers.identities.trace_records import AuditEvent, Certificate


class RedisPersons(RedisFaces):
    """PersonStore: persons themselves; `redis_faces` has their faces.

    Args:
        scripts: With the keys of collections.
    """

    def put(self, uid: str, new: NewPerson, *, audit: AuditEvent) -> tuple[Person, bool]:
        """See PersonStore."""
        tag = self._sealing.external_tag(uid, new.external_id)
        for _ in range(ATTEMPTS):
            outcome, told = self._scripts.about("person_seek", uid, new.id)
            if outcome == "free":
                outcome, told = self._make(uid, new, tag, audit)
            if outcome == "full":
                raise TooManyPersons
            if found := self._opened(uid, told):
                return _put(outcome, found, new)
            self._purge(uid, told)
        raise busy()

    def _make(
        self, uid: str, new: NewPerson, tag: str, audit: AuditEvent
    ) -> tuple[str, Sequence[Any]]:
        [leaf] = self._sealing.fresh_leaves(uid)
        with self._sealing.whole():
            sealed = self._sealing.seal_person(uid, leaf, new)
        return self._scripts.about(
            "person_put", uid, new.id, leaf, tag, consent_ms(new), sealed, event_text(audit)
        )

    def get(self, uid: str, person_id: str) -> Person:
        """See PersonStore."""
        return self._found(uid, *self._scripts.about("person_seek", uid, person_id))

    def by_external_id(self, uid: str, external_id: str) -> Person:
        """See PersonStore."""
        tag = self._sealing.external_tag(uid, external_id)
        return self._found(uid, *self._scripts.about("person_by_tag", uid, tag))

    def _found(self, uid: str, outcome: str, told: Sequence[Any]) -> Person:
        found = self._opened(uid, told) if outcome == "known" else None
        if found is None:
            raise no_person()
        return found

    def list(self, uid: str, *, limit: int, after: str | None = None) -> Page[Person]:
        """See PersonStore."""
        if after is not None and not after.isdecimal():
            return Page(items=(), after=None)
        _, [next_, *rest] = self._scripts.about("person_list", uid, limit, after or "0")
        opened = [self._opened(uid, rest[place : place + 2]) for place in range(0, len(rest), 2)]
        return Page(
            items=tuple(person for person in opened if person),
            after=next_.decode() if next_ else None,
        )

    def change(
        self, uid: str, new: NewPerson, *, revision: int | None, audit: AuditEvent
    ) -> Person:
        """See PersonStore."""
        tag = self._sealing.external_tag(uid, new.external_id)
        for _ in range(ATTEMPTS):
            outcome, told = self._scripts.about("person_seek", uid, new.id)
            found = self._found(uid, outcome, told)
            if _is_same(found, new):
                return found
            if revision not in {None, found.revision}:
                raise RevisionMismatch
            outcome, told = self._replace(uid, new, person_record(told[1]), (tag, revision), audit)
            if outcome == "taken" and self._opened(uid, told):
                raise ExternalIdTaken
            if outcome == "done":
                return self._found(uid, "known", told)
            if outcome == "taken":
                self._purge(uid, told)
        raise busy()

    def _replace(
        self,
        uid: str,
        new: NewPerson,
        record: PersonRecord,
        expected: tuple[str, int | None],
        audit: AuditEvent,
    ) -> tuple[str, Sequence[Any]]:
        try:
            sealed = self._sealing.seal_person(uid, record.leaf, new)
        except KeyDestroyed:
            return "moved", ()
        tag, revision = expected
        return self._scripts.about(
            "person_change",
            uid,
            new.id,
            record.leaf,
            "" if revision is None else revision,
            tag,
            consent_ms(new),
            sealed,
            event_text(audit),
        )

    def merge(self, uid: str, *, into: str, person_id: str, audit: AuditEvent) -> Person:
        """See PersonStore."""
        # Nobody's faces are given to who can't be read any more.
        self.get(uid, into)
        outcome, told = self._scripts.about("person_seek", uid, person_id)
        if outcome == "known":
            self._found(uid, outcome, told)
        outcome, told = self._scripts.about("person_merge", uid, into, person_id, event_text(audit))
        if outcome == "no_consent":
            raise ConsentMissing
        return self._found(uid, "known" if outcome == "done" else outcome, told)

    def delete(self, uid: str, person_id: str, *, audit: AuditEvent) -> Certificate:
        """See PersonStore."""
        outcome, told = self._delete(uid, person_id, audit, is_expiry=False)
        if outcome == "free":
            raise no_person()
        return certificate_of(told[0].decode(), told[1])

    def expire(self, uid: str, person_id: str, *, audit: AuditEvent) -> Certificate | None:
        """See PersonStore."""
        outcome, told = self._delete(uid, person_id, audit, is_expiry=True)
        return None if outcome == "early" else certificate_of(told[0].decode(), told[1])

    def _delete(
        self, uid: str, person_id: str, audit: AuditEvent, *, is_expiry: bool
    ) -> tuple[str, Sequence[Any]]:
        event, flag = event_text(audit), int(is_expiry)
        return self._scripts.about(
            "person_delete", uid, person_id, new_certificate_id(), event, flag
        )

    def _opened(self, uid: str, told: Sequence[Any]) -> Person | None:
        """The person of an id and a record; None: their key was destroyed."""
        person_id, record = told[0].decode(), person_record(told[1])
        new = self._sealing.open_person(uid, person_id, record)
        return None if new is None else person_of(new, record)

    def _purge(self, uid: str, told: Sequence[Any]) -> None:
        """Strike out one whose key was destroyed: an old copy of the store has brought them back.

        Only where their place is wanted, and while the collection's other keys are there.
        """
        self._scripts.about("person_purge", uid, told[0], person_record(told[1]).leaf)


def _put(outcome: str, found: Person, new: NewPerson) -> tuple[Person, bool]:
    errors: dict[str, IdentityError] = {"taken": ExternalIdTaken()}
    if outcome == "known" and not _is_same(found, new):
        raise PersonExists
    if error := errors.get(outcome):
        raise error
    return found, outcome == "new"


def _is_same(found: Person, new: NewPerson) -> bool:
    """Whether a person has these data."""
    known = NewPerson(
        id=found.id,
        name=found.name,
        external_id=found.external_id,
        metadata=found.metadata,
        consent=found.consent,
    )
    return person_plain(known) == person_plain(new)
