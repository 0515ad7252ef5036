"""The persons of one request: looked up or made, each once, before their first photo is taken."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from api.enrollments.told_person import agrees
from api.identities.auditing import audit_event
from api.principal import Principal
from api.services import Services
from workers.batches.records import Batch
from workers.identities.errors import (
    ExternalIdTaken,
    IdentityError,
    PersonExists,
    PersonNotFound,
    TooManyPersons,
)
from workers.identities.records import Collection, NewPerson, Person

#: Error -> code of the items of somebody who can't be enrolled.
NOT_ADMITTED: dict[type[IdentityError], str] = {
    PersonExists: "person_exists",
    ExternalIdTaken: "external_id_taken",
    TooManyPersons: "too_many_persons",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Admitted:
    """Somebody who is there."""

    #: Of this very person: whoever is made under the id later is another one.
    leaf: int


@dataclass(frozen=True, kw_only=True, slots=True)
class NotAdmitted:
    """Why nobody's photos are taken under an id."""

    code: str
    message: str
    #: Whether there is such a person, whom the items may name.
    is_there: bool = False


class Roster:
    """Makes persons for one batch. Their names go to the store of people alone.

    A batch notes whom it is about to make, so that what it made is counted right although the
    request breaks off anywhere and is sent again.

    Args:
        parts: Of the gateway.
        collection: Whose persons.
        caller: Who enrols them.
        batch: Gives the batch, which is made with the first person.
    """

    def __init__(
        self,
        parts: Services,
        collection: Collection,
        caller: Principal,
        batch: Callable[[], Batch],
    ) -> None:
        self._parts = parts
        self._collection = collection
        self._caller = caller
        self._batch = batch
        self._seen: dict[str, Admitted | NotAdmitted] = {}

    def admit(self, told: NewPerson, *, is_checked: bool) -> Admitted | NotAdmitted:
        """Have a person be there, or say why they can't be enrolled.

        Args:
            told: The person. What is not told may be anything.
            is_checked: Whether one who is there must be as told.

        Raises:
            WorkersError: a store refuses, or takes nothing now.
        """
        if told.id not in self._seen:
            self._seen[told.id] = self._admit(told, is_checked=is_checked)
        return self._seen[told.id]

    def _admit(self, told: NewPerson, *, is_checked: bool) -> Admitted | NotAdmitted:
        known = self._known(told.id)
        batch = self._batch()
        self._parts.batches.note_people(batch.id, {told.id: known is None})
        if known is None:
            audit = audit_event("person.created", self._caller, person_ids=(told.id,))
            try:
                made, _ = self._parts.identities.persons.put(
                    self._collection.uid, told, audit=replace(audit, cause=batch.id)
                )
                return Admitted(leaf=made.leaf)
            except PersonExists:
                known = self._known(told.id)  # made by somebody else meanwhile
            except (ExternalIdTaken, TooManyPersons) as error:
                return NotAdmitted(code=NOT_ADMITTED[type(error)], message=str(error))
        if known is None:
            message = (
                "Somebody else made the person, and deleted them again. Send the photos again."
            )
            return NotAdmitted(code=NOT_ADMITTED[PersonExists], message=message)
        if is_checked and not agrees(known, told):
            message = "The person is there with other data. Change them, or leave the columns out."
            return NotAdmitted(code=NOT_ADMITTED[PersonExists], message=message, is_there=True)
        return Admitted(leaf=known.leaf)

    def _known(self, person_id: str) -> Person | None:
        try:
            return self._parts.identities.persons.get(self._collection.uid, person_id)
        except PersonNotFound:
            return None
