"""The key vault in an object store: S3, GCS or Azure."""

from typing import TYPE_CHECKING

import obstore
from obstore.exceptions import (
    AlreadyExistsError,
    BaseError,
    NotFoundError,
    NotSupportedError,
    PreconditionError,
)
from obstore.store import ObjectStore

from workers.identities.errors import VaultUnavailable
from workers.identities.records import COLLECTION_UID

if TYPE_CHECKING:
    # Names for the type checker alone: they are not there at run time.
    from obstore import PutMode, UpdateVersion

#: Our part of a store that others may use too.
PREFIX = "facesocial/identity-keys/"


class ObstoreVault:
    """A KeyVault of objects that are replaced on condition that nobody else did meanwhile.

    The bucket must keep no old versions of objects.

    Args:
        store: Where. It must know conditional writes, as S3, GCS and Azure do.
    """

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def read(self, uid: str) -> bytes | None:
        """See KeyVault."""
        found = self._found(uid)
        return found and found[0]

    def swap(self, uid: str, *, old: bytes | None, new: bytes) -> bool:
        """See KeyVault."""
        found = self._found(uid)
        if (found and found[0]) != old:
            return False
        # In one part, however large it is: parts are put together without a condition.
        mode: PutMode = found[1] if found else "create"
        try:
            obstore.put(self._store, _path(uid), new, mode=mode, use_multipart=False)
        except (AlreadyExistsError, PreconditionError, NotFoundError):
            return False
        except (NotSupportedError, NotImplementedError) as error:
            raise VaultUnavailable(
                "The object store of the key vault knows no conditional writes."
            ) from error
        except (BaseError, OSError) as error:
            raise VaultUnavailable(
                f"The key vault can't be written: {first_line(error)}."
            ) from error
        return True

    def _found(self, uid: str) -> "tuple[bytes, UpdateVersion] | None":
        """The file and the tags of its present version."""
        try:
            got = obstore.get(self._store, _path(uid))
            meta = got.meta
            tags: UpdateVersion = {}
            if meta["e_tag"] is not None:
                tags["e_tag"] = meta["e_tag"]
            if meta["version"] is not None:
                tags["version"] = meta["version"]
            return bytes(got.bytes()), tags
        except (NotFoundError, FileNotFoundError):
            return None
        except (BaseError, OSError) as error:
            raise VaultUnavailable(f"The key vault can't be read: {first_line(error)}.") from error


def _path(uid: str) -> str:
    if not COLLECTION_UID.fullmatch(uid):
        raise ValueError(f"'{uid}' is no collection's uid.")
    return f"{PREFIX}{uid}.keys"


def first_line(error: Exception) -> str:
    """What the library says of an error, without its dump for debugging."""
    return str(error).partition("\n")[0]
