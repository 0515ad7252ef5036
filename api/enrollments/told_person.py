"""What a list tells of a person: what it leaves empty is not told, and contradicts nothing."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from api.errors import ApiError
from api.identities.bodies import PersonBody
from api.identities.settings_of import new_person
from workers.identities.records import NewPerson, Person

ID, NAME, EXTERNAL_ID = "person_id", "name", "external_id"
METADATA, CONSENT = "metadata.", "consent."
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_TIMES = frozenset({"given_at", "expires_at"})


class WrongPerson(Exception):
    """What is told of a person can't be taken; says which column, and none of its values."""


def told_person(told: Mapping[str, str]) -> NewPerson:
    """The person of a line.

    Args:
        told: By column what is in it, where it is not empty.

    Raises:
        WrongPerson: a column is missing or wrong.
    """
    if ID not in told:
        raise WrongPerson(f"It has no {ID}.")
    members: dict[str, Any] = {"id": told[ID], "metadata": _under(told, METADATA)}
    members |= {name: told[name] for name in (NAME, EXTERNAL_ID) if name in told}
    if consent := _under(told, CONSENT):
        members["consent"] = {name: _moment(name, value) for name, value in consent.items()}
    try:
        return new_person(told[ID], PersonBody.model_validate(members))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(part for part in first["loc"] if isinstance(part, str))
        column = ID if where == "id" else where.removesuffix(".str")
        raise WrongPerson(f"{column}: {first['msg']}.") from None
    except ApiError as error:
        raise WrongPerson(str(error)) from None


def merged(first: NewPerson, second: NewPerson) -> NewPerson | None:
    """What two lines tell of one person together; None when they contradict each other."""
    names = {first.name, second.name} - {""}
    external_ids = {first.external_id, second.external_id} - {""}
    consents = [one for one in (first.consent, second.consent) if one is not None]
    metadata = {**second.metadata, **first.metadata}
    is_one = len(names) < 2 and len(external_ids) < 2 and len(set(consents)) < 2  # noqa: PLR2004 - one or none
    if not is_one or any(metadata[name] != value for name, value in second.metadata.items()):
        return None
    return replace(
        first,
        name="".join(names),
        external_id="".join(external_ids),
        metadata=metadata,
        consent=next(iter(consents), None),
    )


def agrees(known: Person, told: NewPerson) -> bool:
    """Whether a person is what is told of them; what is not told may be anything."""
    metadata = known.metadata
    return (
        told.name in {"", known.name}
        and told.external_id in {"", known.external_id}
        and told.consent in (None, known.consent)
        and all(name in metadata and metadata[name] == v for name, v in told.metadata.items())
    )


def _under(told: Mapping[str, str], prefix: str) -> dict[str, str]:
    return {
        name.removeprefix(prefix): value for name, value in told.items() if name.startswith(prefix)
    }


def _moment(name: str, value: str) -> str:
    """A day stands for its beginning, as spreadsheets write them."""
    return f"{value}T00:00:00Z" if name in _TIMES and _DAY.fullmatch(value) else value
