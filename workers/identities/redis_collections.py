"""Collections on Redis or Valkey: thin calls to `workers/identities/lua`."""

import builtins
import uuid

from workers.identities.collection_hashes import (
    calibration_text,
    certificate_of,
    collection_of,
    contract_text,
    event_text,
    settings_args,
)
from workers.identities.errors import (
    CollectionExists,
    CollectionNotFound,
    ContractMismatch,
    RevisionMismatch,
    TooManyCollections,
)
from workers.identities.records import Calibration, Collection, CollectionSettings, NewCollection
from workers.identities.scripts import IdentityScripts
from workers.identities.store import Page
from workers.identities.trace_records import AuditEvent, Certificate


def new_certificate_id() -> str:
    """An id that can't be guessed."""
    return f"deletion_{uuid.uuid4().hex}"


class RedisCollections:
    """CollectionStore.

    Args:
        scripts: With the keys of collections.
    """

    def __init__(self, scripts: IdentityScripts) -> None:
        self._scripts = scripts

    def create(self, new: NewCollection, *, most: int, audit: AuditEvent) -> Collection:
        """See CollectionStore."""
        outcome, *told = self._scripts.call("collection_find", new.owner, new.id)
        if outcome == b"found":
            return _same(collection_of(told[1].decode(), told[2]), new)
        if told[0] >= most:
            raise TooManyCollections
        # Keys first: a collection that is found has some. Who dies in between leaves keys that
        # seal nothing.
        self._scripts.seals.create(new.uid)
        fields = settings_args(new.settings)
        if new.model is not None:
            fields += ["model", new.model]
        outcome, *told = self._scripts.call(
            "collection_create", new.uid, new.id, new.owner, most, event_text(audit), *fields
        )
        if outcome == b"too_many":
            self._scripts.seals.destroy(new.uid)
            raise TooManyCollections
        uid, view = told[1:]
        made = collection_of(uid.decode(), view)
        if made.uid != new.uid:
            # Somebody was quicker.
            self._scripts.seals.destroy(new.uid)
        return _same(made, new)

    def get(self, owner: str, id_: str) -> Collection:
        """See CollectionStore."""
        outcome, *told = self._scripts.call("collection_find", owner, id_)
        if outcome == b"missing":
            raise CollectionNotFound(f"There is no collection '{id_}'.")
        _, uid, view = told
        return collection_of(uid.decode(), view)

    def by_uid(self, uid: str) -> Collection:
        """See CollectionStore."""
        _, [view] = self._scripts.about("collection_read", uid)
        return collection_of(uid, view)

    def list(self, owner: str, *, limit: int, after: str | None = None) -> Page[Collection]:
        """See CollectionStore."""
        is_more, *rest = self._scripts.call("collection_list", owner, limit, after or "")
        found = [
            collection_of(uid.decode(), view)
            for uid, view in zip(rest[::2], rest[1::2], strict=True)
        ]
        return Page(items=tuple(found), after=found[-1].id if is_more else None)

    def change(
        self, uid: str, settings: CollectionSettings, *, revision: int | None, audit: AuditEvent
    ) -> Collection:
        """See CollectionStore."""
        expected = "" if revision is None else revision
        fields: builtins.list[str] = settings_args(settings)
        outcome, [view] = self._scripts.about(
            "collection_change", uid, expected, event_text(audit), *fields
        )
        if outcome == "stale":
            raise RevisionMismatch
        return collection_of(uid, view)

    def calibrated(self, uid: str, calibration: Calibration, *, audit: AuditEvent) -> Collection:
        """See CollectionStore."""
        outcome, [view] = self._scripts.about(
            "collection_calibrated",
            uid,
            contract_text(calibration.contract),
            calibration_text(calibration),
            event_text(audit),
        )
        if outcome == "mismatch":
            raise ContractMismatch
        return collection_of(uid, view)

    def delete(self, uid: str, *, audit: AuditEvent) -> Certificate:
        """See CollectionStore."""
        _, [id_, flat] = self._scripts.about(
            "collection_delete", uid, new_certificate_id(), event_text(audit)
        )
        return certificate_of(id_.decode(), flat)


def _same(found: Collection, new: NewCollection) -> Collection:
    if (found.model, found.settings) != (new.model, new.settings):
        raise CollectionExists
    return found
