"""What is left to do after deletions, audit and certificates, on Redis or Valkey."""

import re
from collections.abc import Collection as Some
from collections.abc import Mapping, Sequence

from workers.connections.calls import translated
from workers.identities.collection_hashes import (
    certificate_of,
    event_of,
    event_text,
)
from workers.identities.errors import CertificateNotFound
from workers.identities.forgetting_store import Outstanding
from workers.identities.scripts import IdentityScripts, collection_key, not_found
from workers.identities.store import Page
from workers.identities.trace_records import AuditEvent, Certificate, StoredAuditEvent

#: Ids of a stream's entries. Nothing is before 0-0: the server refuses to look there.
_PLACE = re.compile(r"(?!0+-0+$)[0-9]{1,15}-[0-9]{1,15}")
#: Stands for all keys of a collection.
_ALL = "*"


class RedisForgetting:
    """ForgettingStore.

    Args:
        scripts: With the keys of collections.
    """

    def __init__(self, scripts: IdentityScripts) -> None:
        self._scripts = scripts

    def audit(self, uid: str, event: AuditEvent) -> None:
        """See ForgettingStore."""
        self._scripts.about("audit_write", uid, event_text(event))

    def audited(self, uid: str, *, limit: int, before: str | None = None) -> Page[StoredAuditEvent]:
        """See ForgettingStore."""
        if before is not None and not _PLACE.fullmatch(before):
            return Page(items=(), after=None)
        latest = f"({before}" if before else "+"
        stream = collection_key(uid, "audit")
        with translated(), self._scripts.client.pipeline() as both:
            both.exists(stream)
            both.xrevrange(stream, max=latest, count=limit + 1)
            exists, entries = both.execute()
        if not exists:
            raise not_found()
        events = tuple(_event(entry_id.decode(), fields) for entry_id, fields in entries[:limit])
        return Page(items=events, after=events[-1].id if len(entries) > limit else None)

    def certificate(self, owner: str, id_: str) -> Certificate:
        """See ForgettingStore."""
        flat = self._scripts.call("certificate_read", id_)
        if not flat or (found := certificate_of(id_, flat)).owner != owner:
            raise CertificateNotFound
        return found

    def certificates(
        self, owner: str, *, limit: int, after: str | None = None
    ) -> Page[Certificate]:
        """See ForgettingStore."""
        is_more, *rest = self._scripts.call("certificate_list", owner, limit, after or "")
        found = tuple(
            certificate_of(id_.decode(), flat)
            for id_, flat in zip(rest[::2], rest[1::2], strict=True)
        )
        return Page(items=found, after=found[-1].id if is_more else None)

    def doomed(self, *, limit: int) -> Mapping[str, Sequence[int] | None]:
        """See ForgettingStore."""
        flat = [part.decode() for part in self._scripts.call("doomed_read", limit)]
        found: dict[str, list[int] | None] = {}
        for uid, leaf, keys_version in zip(flat[::3], flat[1::3], flat[2::3], strict=True):
            # Each destruction makes a next version: on an old copy of the keys that was put back
            # they would come to pass for the newest ones, with those of who was deleted before.
            self._scripts.seals.refresh(uid, int(keys_version))
            if leaf == _ALL:
                found[uid] = None
            elif (leaves := found.setdefault(uid, [])) is not None:
                leaves.append(int(leaf))
        return found

    def doomed_among(self, uid: str, leaves: Some[int]) -> Some[int]:
        """See ForgettingStore."""
        _, told = self._scripts.about("doomed_among", uid, *leaves)
        return frozenset(map(int, told))

    def destroyed(self, uid: str, leaves: Sequence[int] | None, *, keys_version: int) -> None:
        """See ForgettingStore."""
        named = [_ALL] if leaves is None else leaves
        self._scripts.call("destroyed", uid, keys_version, *named)

    def announce_image(self, key: str, *, ttl_seconds: float) -> None:
        """See ForgettingStore."""
        self._scripts.call("image_announce", key, int(ttl_seconds * 1000))

    def doomed_images(self, *, limit: int) -> Sequence[str]:
        """See ForgettingStore."""
        return tuple(image.decode() for image in self._scripts.call("doomed_images", limit))

    def images_deleted(self, keys: Sequence[str]) -> None:
        """See ForgettingStore."""
        self._scripts.call("images_deleted", *keys)

    def images_postponed(self, keys: Sequence[str], *, delay_seconds: float) -> None:
        """See ForgettingStore."""
        self._scripts.call("images_postponed", int(delay_seconds * 1000), *keys)

    def expired(self, *, limit: int) -> Sequence[tuple[str, str]]:
        """See ForgettingStore."""
        flat = [part.decode() for part in self._scripts.call("expired", limit)]
        return tuple(zip(flat[::2], flat[1::2], strict=True))

    def note_unreadable(self, counts: Mapping[str, int]) -> None:
        """See ForgettingStore."""
        self._scripts.call("unreadable_note", *(part for pair in counts.items() for part in pair))

    def unreadable(self) -> Mapping[str, int]:
        """See ForgettingStore."""
        flat = [part.decode() for part in self._scripts.call("unreadable_read")]
        return dict(zip(flat[::2], map(int, flat[1::2]), strict=True))

    def outstanding(self) -> Outstanding:
        """See ForgettingStore."""
        keys, images, certificates = self._scripts.call("outstanding")
        return Outstanding(keys=keys, images=images, certificates=certificates)

    def sweep_certificates(self, *, kept_seconds: float, limit: int) -> int:
        """See ForgettingStore."""
        return int(self._scripts.call("certificates_sweep", limit, int(kept_seconds * 1000)))

    def reconcile(self, *, limit: int) -> int:
        """See ForgettingStore."""
        return int(self._scripts.call("reconcile", limit))


def _event(entry_id: str, fields: Mapping[bytes, bytes]) -> StoredAuditEvent:
    at_ms, _, _ = entry_id.partition("-")
    return StoredAuditEvent(id=entry_id, at_ms=int(at_ms), event=event_of(fields[b"event"]))
