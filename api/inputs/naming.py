"""Who the faces are: the members of a request that ask for it."""

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from api.client_ids import ClientId
from api.errors import ApiError, invalid_options
from workers.contract import Gate


def words(value: object) -> object:
    """Words with commas between as a list; forms have no other."""
    if isinstance(value, str):
        return [word.strip() for word in value.split(",") if word.strip()]
    return value


#: What a face must be before it counts; in a form, repeated or with commas between.
Gates = Annotated[tuple[Gate, ...], BeforeValidator(words)]
#: Persons told of each face where nothing was sent; `IdentifyOptions` has the same.
USUAL_CANDIDATES = 5
_Most = Annotated[int, Field(ge=1, le=50)]
_Similarity = Annotated[float, Field(ge=-1, le=1)]


class NamingMembers(BaseModel):
    """How faces are named, whichever collection does it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    #: Persons told of each face at most; 5 when not sent.
    candidates: _Most | None = None
    #: Same as `candidates`.
    max_results: _Most | None = None
    #: Share of strangers who may be named; the collection's own when not sent.
    fpir: Annotated[float, Field(gt=0, lt=1)] | None = None
    #: A face that is not, or can't be judged, is not named. Its analysis is done as well.
    require: Gates = ()


class DatabaseMembers(NamingMembers):
    """The same for endpoints that name faces only when asked."""

    #: Id of a collection of known people; `default` is always there.
    database_id: ClientId | None = None
    #: A similarity of one's own choice in place of `fpir`.
    identity_threshold: _Similarity | None = None


class CollectionMembers(NamingMembers):
    """The same for endpoints of one collection."""

    #: A similarity of one's own choice in place of `fpir`.
    threshold: _Similarity | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Naming:
    """That faces are to be named, and how."""

    #: Id of the collection, as its owner calls it; "": that of the address.
    database_id: str
    candidates: int
    fpir: float | None
    threshold: float | None
    require: tuple[Gate, ...]


def taken_naming(given: dict[str, Any], model: type[NamingMembers] | None) -> Naming | None:
    """Take the members that ask for names out of the others; None: none are asked for.

    Args:
        given: Members of a request; loses those.
        model: Which there are; None: none.

    Raises:
        ApiError: one is wrong, or says how although nothing says by which collection.
    """
    if model is None:
        return None
    own = {name: given.pop(name) for name in model.model_fields if name in given}
    try:
        members = model.model_validate(own)
    except ValidationError as error:
        raise invalid_options(error) from None
    if {"candidates", "max_results"} <= own.keys():
        detail = "'max_results' and another name of it were both sent."
        raise ApiError("validation_error", detail, field="max_results")
    if isinstance(members, DatabaseMembers):
        return _by_database(members, own)
    threshold = members.threshold if isinstance(members, CollectionMembers) else None
    return _naming(members, database_id="", threshold=threshold)


def _by_database(members: DatabaseMembers, own: dict[str, Any]) -> Naming | None:
    if members.database_id is not None:
        return _naming(
            members, database_id=members.database_id, threshold=members.identity_threshold
        )
    if own.keys() - {"database_id"}:
        name = min(own.keys() - {"database_id"})
        detail = f"'{name}' says how faces are named: send 'database_id' with it."
        raise ApiError("validation_error", detail, field=name)
    return None


def _naming(members: NamingMembers, *, database_id: str, threshold: float | None) -> Naming:
    if members.fpir is not None and threshold is not None:
        detail = "fpir: send it or a threshold of your own, not both."
        raise ApiError("validation_error", detail, field="fpir")
    return Naming(
        database_id=database_id,
        candidates=members.candidates or members.max_results or USUAL_CANDIDATES,
        fpir=members.fpir,
        threshold=threshold,
        require=tuple(dict.fromkeys(members.require)),
    )
