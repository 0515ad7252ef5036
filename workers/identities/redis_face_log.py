"""The log of a collection's faces on Redis or Valkey."""

import secrets
from collections.abc import Collection as Some
from collections.abc import Sequence
from typing import Any, cast

from workers.connections.calls import text, translated
from workers.errors import StoreUnavailable
from workers.identities.collection_hashes import contract_of
from workers.identities.face_records import face_ids_of, face_record, vector_of
from workers.identities.log_records import ChangeKind, FacePage, LoggedChange, LogHead, LogPlace
from workers.identities.records import FaceVector
from workers.identities.scripts import IdentityScripts, collection_key, not_found
from workers.identities.sealing import Sealing
from workers.identities.store import MOST_CHANGES, MOST_LISTED


class RedisFaceLog:
    """FaceLog.

    Args:
        scripts: With the keys of collections.
    """

    def __init__(self, scripts: IdentityScripts) -> None:
        self._scripts = scripts
        self._sealing = Sealing(scripts)
        #: Hash of a script that the server forgets when it ends; "": none yet.
        self._server = ""

    def head(self, uid: str) -> LogHead:
        """See FaceLog."""
        _, told = self._scripts.about("log_head", uid)
        version, mark, generation, contract, faces = told
        return LogHead(
            place=LogPlace(version=int(version), mark=mark.decode()),
            generation=int(generation),
            contract=contract_of(contract.decode()),
            faces=int(faces),
        )

    def changes(
        self, uid: str, after: LogPlace, *, limit: int = MOST_CHANGES
    ) -> Sequence[LoggedChange] | None:
        """See FaceLog."""
        with translated(), self._scripts.client.pipeline() as both:
            both.hget(collection_key(uid), "version")
            # From the reader's own place on: its mark tells whether it is still the same log.
            count = limit + (after.version > 0)
            both.xrange(collection_key(uid, "log"), min=f"{after.version}-0", count=count)
            version, entries = both.execute()
        if version is None:
            raise not_found()
        found = [_change(entry_id, fields) for entry_id, fields in entries]
        if after.version:
            return found[1:] if found and found[0].place == after else None
        is_whole = found[0].place.version == 1 if found else int(version) == 0
        return found if is_whole and not after.mark else None

    def scan(self, uid: str, *, cursor: str = "", limit: int = MOST_LISTED) -> FacePage:
        """See FaceLog."""
        if not cursor:
            cursor = f"{self.head(uid).generation}:{self._marked()}:0"
        generation, server, at = cursor.split(":")
        with translated(), self._scripts.client.pipeline() as both:
            both.script_exists(server)
            both.hget(collection_key(uid), "generation")
            both.hscan(collection_key(uid, f"faces:{generation}"), int(at), count=limit)
            [is_same], present, [next_at, rows] = both.execute()
        if present is None:
            raise not_found()
        if not is_same:
            raise StoreUnavailable("The store was restarted while faces were read.")
        # When the model was changed meanwhile, its vectors are gone; the log tells the reader so.
        return FacePage(
            vectors=self._opened(uid, int(generation), rows),
            cursor=f"{generation}:{server}:{next_at}" if int(next_at) else "",
        )

    def _marked(self) -> str:
        """What tells the server, as long as it runs, from any that takes its place.

        Each orders a hash in its own way: a place in one means nothing to another, which would
        leave out faces and say nothing.
        """
        with translated():
            if not (self._server and self._scripts.client.script_exists(self._server)[0]):
                script = f"return '{secrets.token_hex(8)}'"
                self._server = text(self._scripts.client.script_load(script))
        return self._server

    def _opened(self, uid: str, generation: int, rows: dict[bytes, bytes]) -> Sequence[FaceVector]:
        found = []
        for id_bytes, row in rows.items():
            [face_id], record = face_ids_of(id_bytes), face_record(row)
            plain = self._sealing.open_face(uid, face_id, record, generation)
            if plain is not None:
                found.append(vector_of(face_id, record, plain))
        return tuple(found)

    def followed(self, uid: str, process: str, version: int, *, ttl_seconds: float) -> None:
        """See FaceLog."""
        self._scripts.call("follow", uid, process, version, int(ttl_seconds * 1000))

    def take_leaf(self, uid: str) -> int:
        """See FaceLog."""
        [leaf] = self._sealing.fresh_leaves(uid, is_snapshot=True)
        return leaf

    def snapshot_leaves(self, uid: str) -> Some[int]:
        """See FaceLog."""
        with translated(), self._scripts.client.pipeline() as both:
            both.exists(collection_key(uid))
            both.smembers(collection_key(uid, "snapshots"))
            exists, leaves = both.execute()
        if not exists:
            raise not_found()
        return frozenset(int(leaf) for leaf in leaves)


def _change(entry_id: bytes, fields: dict[bytes, Any]) -> LoggedChange:
    version, _, _ = entry_id.decode().partition("-")
    return LoggedChange(
        place=LogPlace(version=int(version), mark=fields[b"mark"].decode()),
        kind=cast("ChangeKind", fields[b"kind"].decode()),
        person_id=fields[b"person"].decode(),
        face_ids=face_ids_of(fields[b"faces"]),
    )
