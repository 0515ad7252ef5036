"""Photos of enrolled faces, kept so that another model can embed them: encrypted in the blob store.

Each photo has a random key of its own, which is stored, sealed, in the record of its face: the
photo is forgotten with that record, whoever the face belongs to by then.
"""

import base64
import binascii
import secrets
import uuid
from dataclasses import dataclass

from workers.blobs.store import BlobStore
from workers.identities.aes import open_with, seal_with
from workers.identities.errors import SealBroken
from workers.identities.forgetting_store import ForgettingStore

#: A photo whose face was not added so long after is deleted: its job was killed, or found that the
#: face need not be added.
ANNOUNCED_SECONDS = 3600.0
_KEY_BYTES = 32


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptImage:
    """Where a photo is kept, and what opens it."""

    #: In the blob store.
    key: str
    #: Its key's 32 bytes as 43 characters; to be stored nowhere but in the face's sealed record.
    secret: str


class KeptImages:
    """Keeps photos in a blob store.

    Args:
        blobs: Where.
        forgetting: Is told of every photo before it is there, and deletes it in an hour unless a
            face was added with it: whoever is killed in between leaves nothing behind.
    """

    def __init__(self, blobs: BlobStore, forgetting: ForgettingStore) -> None:
        self._blobs = blobs
        self._forgetting = forgetting

    def keep(self, photo: bytes) -> KeptImage:
        """Keep a photo, for a face that is added within an hour.

        Raises:
            BlobStoreFailed: it can't be kept.
            StoreUnavailable: it can't be announced; nothing was kept.
        """
        key = f"identity_{uuid.uuid4().hex}"
        raw = secrets.token_bytes(_KEY_BYTES)
        self._forgetting.announce_image(key, ttl_seconds=ANNOUNCED_SECONDS)
        self._blobs.put(key, seal_with(raw, photo, context=_context(key)))
        return KeptImage(key=key, secret=base64.urlsafe_b64encode(raw).decode().rstrip("="))

    def read(self, image: KeptImage) -> bytes:
        """A kept photo.

        Raises:
            BlobMissing: it is deleted.
            BlobStoreFailed: it can't be read.
            SealBroken: it was changed, or the secret is another photo's.
        """
        try:
            raw = base64.b64decode(image.secret + "=", altchars=b"-_", validate=True)
        except binascii.Error:
            raise SealBroken from None
        if len(raw) != _KEY_BYTES:
            raise SealBroken
        return open_with(raw, self._blobs.get(image.key), context=_context(image.key))


def _context(key: str) -> str:
    return f"facesocial kept photo {key}"
