"""What is still to be done after deletions: the port. See `workers.identities.store`."""

from collections.abc import Collection as Some
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from workers.identities.store import Page
from workers.identities.trace_records import AuditEvent, Certificate, StoredAuditEvent


@dataclass(frozen=True, kw_only=True, slots=True)
class Outstanding:
    """What deletions have left to do, of all collections."""

    #: Keys that are to be destroyed: until then old copies of what they sealed can be read.
    keys: int
    #: Kept photos that are to be deleted now.
    images: int
    #: Certificates that wait for workers to follow.
    certificates: int


class ForgettingStore(Protocol):
    """What is still to be done after deletions, and what was done: audit and certificates."""

    def audit(self, uid: str, event: AuditEvent) -> None:
        """Note an event that changes nothing, such as an identification."""
        ...

    def audited(self, uid: str, *, limit: int, before: str | None = None) -> Page[StoredAuditEvent]:
        """Events, the latest first."""
        ...

    def certificate(self, owner: str, id_: str) -> Certificate:
        """A certificate of deletion, as far as it has got. Raises CertificateNotFound."""
        ...

    def certificates(
        self, owner: str, *, limit: int, after: str | None = None
    ) -> Page[Certificate]:
        """An owner's certificates, the latest first."""
        ...

    def doomed(self, *, limit: int) -> Mapping[str, Sequence[int] | None]:
        """By collection the leaves whose keys are to be destroyed; None: all of its keys."""
        ...

    def doomed_among(self, uid: str, leaves: Some[int]) -> Some[int]:
        """Those of the leaves whose keys are to be destroyed, and may be there all the same.

        Raises:
            CollectionNotFound: all of them are: there is no such collection (any more).
        """
        ...

    def destroyed(self, uid: str, leaves: Sequence[int] | None, *, keys_version: int) -> None:
        """Note that keys were destroyed; certificates that waited for them say so from now on."""
        ...

    def announce_image(self, key: str, *, ttl_seconds: float) -> None:
        """Say that a photo will be kept: it is doomed unless a face is added with it in time."""
        ...

    def doomed_images(self, *, limit: int) -> Sequence[str]:
        """Keys of kept photos whose faces are gone, or never came."""
        ...

    def images_deleted(self, keys: Sequence[str]) -> None:
        """Note that those photos are deleted."""
        ...

    def images_postponed(self, keys: Sequence[str], *, delay_seconds: float) -> None:
        """Note that those photos can't be deleted now: they are doomed again after that time."""
        ...

    def expired(self, *, limit: int) -> Sequence[tuple[str, str]]:
        """Collection uid and person id of those whose retention is over."""
        ...

    def outstanding(self) -> Outstanding:
        """How much is still to be done."""
        ...

    def sweep_certificates(self, *, kept_seconds: float, limit: int) -> int:
        """Delete certificates of deletions so long ago of which all has happened; how many.

        Who was deleted then is not remembered either: deleting them again finds nobody.

        Args:
            kept_seconds: Age from which on they go.
            limit: Most that are looked at.
        """
        ...

    def reconcile(self, *, limit: int) -> int:
        """Note on certificates which workers have followed; how many still wait."""
        ...

    def note_unreadable(self, counts: Mapping[str, int]) -> None:
        """Count persons of results who could not be read although nobody deleted them, by why."""
        ...

    def unreadable(self) -> Mapping[str, int]:
        """How many there were since the store was made, by why."""
        ...
