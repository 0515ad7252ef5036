"""Seals before whose calls something may happen: who seals has read, and not written yet."""

from collections.abc import Callable

from workers.identities.errors import IdentityError
from workers.identities.keys import VaultSeals
from workers.identities.vault import MemoryVault


class KilledError(Exception):
    """The process is dead: nothing of the call happens any more."""


class WatchedSeals(VaultSeals):
    """Has something happen right before the next seal."""

    def __init__(self, vault: MemoryVault) -> None:
        super().__init__(vault)
        self.meanwhile: Callable[[], None] | None = None

    def seal(self, uid: str, leaf: int, plain: bytes, *, purpose: str) -> bytes:
        """See Seals."""
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile:
            meanwhile()
        return super().seal(uid, leaf, plain, purpose=purpose)


def outcome_of(call: Callable[[], object]) -> object:
    """What a call tells: an answer, or the kind of error."""
    try:
        return call()
    except IdentityError as error:
        return type(error)
