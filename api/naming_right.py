"""Who may read an answer that tells who somebody is."""

from pydantic import BaseModel

from api.accounts.errors import ScopeMissing
from api.principal import Principal, Scope

#: Either lets its holder read who is known.
_RIGHTS = frozenset({Scope.IDENTITY_READ, Scope.IDENTITY_MANAGE})


def names_people(options: BaseModel) -> bool:
    """Whether what comes of these options rests on who is known, or changes it."""
    return hasattr(options, "collection") or getattr(options, "identify", None) is not None


def require_naming_right(options: BaseModel, caller: Principal) -> None:
    """Refuse a credential that may analyse photos and no more.

    Raises:
        ScopeMissing: the options name people, and the caller may not know them.
    """
    if names_people(options) and not _RIGHTS & caller.scopes:
        raise ScopeMissing(Scope.IDENTITY_READ)
