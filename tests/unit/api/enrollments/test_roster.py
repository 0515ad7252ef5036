"""Persons of a request, while others make and delete the same ones."""

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from api.enrollments.roster import Admitted, NotAdmitted, Roster
from api.principal import LOCAL
from api.services import Services
from workers.batches.records import Batch, NewBatch
from workers.identities.records import Collection, NewCollection, NewPerson, Person
from workers.identities.store import PersonStore
from workers.identities.trace_records import AuditEvent
from workers.jobs.options import EnrollOptions

UID = "col_" + "1" * 32
BEN = AuditEvent(action="person.created", by="ben")


class Overtaken:
    """Persons; others are quicker than the first who makes one, and go on afterwards."""

    def __init__(self, persons: PersonStore, *, is_deleted: bool) -> None:
        self._persons = persons
        self._is_deleted = is_deleted

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - any method of the port
        return getattr(self._persons, name)

    def put(self, uid: str, new: NewPerson, *, audit: AuditEvent) -> tuple[Person, bool]:
        """See PersonStore."""
        self._persons.put(uid, NewPerson(id=new.id, name="By Ben"), audit=BEN)
        try:
            return self._persons.put(uid, new, audit=audit)
        finally:
            if self._is_deleted:
                self._persons.delete(uid, new.id, audit=BEN)


@pytest.fixture
def roster(parts: Services) -> Callable[..., Roster]:
    def _roster(*, is_deleted: bool) -> Roster:
        collection = made(parts)
        persons: Any = Overtaken(parts.identities.persons, is_deleted=is_deleted)
        known = dataclasses.replace(parts.identities, persons=persons)
        overtaken = dataclasses.replace(parts, identities=known)
        return Roster(overtaken, collection, LOCAL, lambda: batch_of(parts))

    return _roster


def test_whom_others_make_meanwhile_is_that_very_person(
    parts: Services, roster: Callable[..., Roster]
) -> None:
    admitted = roster(is_deleted=False).admit(NewPerson(id="zoe"), is_checked=False)

    assert admitted == Admitted(leaf=parts.identities.persons.get(UID, "zoe").leaf)


def test_whom_others_make_and_delete_meanwhile_is_nobody(roster: Callable[..., Roster]) -> None:
    refused = roster(is_deleted=True).admit(NewPerson(id="zoe"), is_checked=False)

    assert isinstance(refused, NotAdmitted)
    assert (refused.code, refused.is_there) == ("person_exists", False)


def made(parts: Services) -> Collection:
    new = NewCollection(uid=UID, id="friends", owner="local")
    audit = AuditEvent(action="collection.created", by="local")
    return parts.identities.collections.create(new, most=10, audit=audit)


def batch_of(parts: Services) -> Batch:
    options = EnrollOptions(collection=UID, person="")
    return parts.batches.create(NewBatch(id="batch_" + "1" * 32, options=options)).batch
