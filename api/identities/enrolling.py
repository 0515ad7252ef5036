"""Photos of one person: what is sent of the person beside them, and what is asked of the photos."""

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from api.endpoint import principal
from api.errors import ApiError, invalid_options
from api.identities.auditing import audit_event
from api.identities.bodies import EnrolledPersonBody
from api.identities.own import own_person
from api.identities.settings_of import new_person
from api.inputs.body import Sent
from api.inputs.forms import Form
from api.services import Services
from workers.identities.errors import PersonNotFound
from workers.identities.records import Collection

#: Longest name of a photo that comes back in answers.
_NAME_CHARACTERS = 200
#: Members that forms hold as JSON texts.
_OBJECTS = ("metadata", "consent")


def taken_person(sent: Sent) -> tuple[EnrolledPersonBody, Sent]:
    """What was sent of the person, and the request without it.

    Raises:
        ApiError: something of it is wrong.
    """
    rest = dict(sent.members)
    own = {name: rest.pop(name) for name in EnrolledPersonBody.model_fields if name in rest}
    for name in _OBJECTS:
        if isinstance(own.get(name), str):
            own[name] = _object(name, own[name])
    try:
        body = EnrolledPersonBody.model_validate(own)
    except ValidationError as error:
        raise invalid_options(error) from None
    return body, dataclasses.replace(sent, members=rest)


def _object(name: str, text: str) -> Mapping[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise ApiError("validation_error", f"{name}: expected a JSON object.", field=name)
    return found


def ensure_person(
    parts: Services, collection: Collection, person_id: str, body: EnrolledPersonBody
) -> None:
    """Have the person there before their photos are looked at.

    Raises:
        PersonNotFound: there is none, and nothing was sent to make one of.
        PersonExists: there is one with other data.
    """
    described = body.model_fields_set - {"create_person"}
    if not described:
        try:
            own_person(parts, collection, person_id)
        except PersonNotFound:
            if not body.create_person:
                raise
        else:
            return
    parts.identities.persons.put(
        collection.uid,
        new_person(person_id, body),
        audit=audit_event("person.created", principal(), person_ids=(person_id,)),
    )


def of_person(form: Form, collection: Collection, person_id: str, sent: Sent | None = None) -> Form:
    """A form with what the address and the credential decide.

    Args:
        form: Of the endpoint.
        collection: Of the address.
        person_id: The same.
        sent: The photos, where their names are to come back.
    """
    caller = principal()
    decided: dict[str, Any] = {
        "collection": collection.uid,
        "collection_id": collection.id,
        "person": person_id,
        "by": caller.user_id,
        "credential_id": caller.credential_id,
    }
    if sent is not None:
        names = tuple(source.name[:_NAME_CHARACTERS] for source in sent.sources)
        decided |= {"names": names if any(names) else (), "digests": ()}
    return dataclasses.replace(form, implied=decided)
