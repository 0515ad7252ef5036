"""Resumable uploads on Redis or Valkey: thin calls to the scripts in `api/resumable/lua`.

The keys of one owner's uploads share a hash tag; docs/reference/redis-keys.md describes them.
"""

from collections.abc import Sequence
from typing import Any, cast

import redis

from api.resumable.pieces import Piece
from api.resumable.uploads import MOST_PIECES, Appended, NewUpload, Quota, Upload
from workers.connections.calls import scripts_of, text, translated

SCRIPTS = ("create", "append", "delete")


class RedisUploads:
    """UploadStore on a client, whether or not it decodes.

    Args:
        client: Of the server.
        ttl_seconds: From an upload's creation to its end.
    """

    def __init__(self, client: redis.Redis, *, ttl_seconds: int) -> None:
        self._client = client
        self._ttl_seconds = ttl_seconds
        self._scripts = scripts_of(client, "api.resumable", SCRIPTS)

    def create(self, upload: NewUpload, quota: Quota) -> Upload | None:
        """See UploadStore."""
        args = (upload.id, upload.owner, upload.length_bytes, upload.metadata)
        limits = (self._ttl_seconds * 1000, quota.uploads, quota.total_bytes)
        return _upload(self._call("create", upload.id, upload.owner, *args, *limits))

    def get(self, upload_id: str, *, owner: str) -> Upload | None:
        """See UploadStore."""
        with translated():
            found = cast(
                "dict[object, object]", self._client.hgetall(upload_keys(upload_id, owner)[0])
            )
        return _upload([value for pair in found.items() for value in pair])

    def append(self, upload: Upload, pieces: Sequence[Piece]) -> Appended:
        """See UploadStore."""
        told = [f"{piece.key} {piece.size_bytes}" for piece in pieces]
        args = (upload.offset_bytes, MOST_PIECES, *told)
        is_noted, found = self._call("append", upload.id, upload.owner, *args)
        return Appended(upload=_upload(found), is_noted=bool(is_noted))

    def pieces(self, upload: Upload) -> Sequence[Piece]:
        """See UploadStore."""
        with translated():
            found = cast(
                "list[object]", self._client.lrange(upload_keys(upload.id, upload.owner)[1], 0, -1)
            )
        return _pieces(found)

    def delete(self, upload: Upload) -> Sequence[Piece]:
        """See UploadStore."""
        return _pieces(self._call("delete", upload.id, upload.owner, upload.id))

    def _call(self, name: str, upload_id: str, owner: str, *args: Any) -> Any:  # noqa: ANN401 - texts, numbers; a reply
        with translated():
            return self._scripts[name](keys=upload_keys(upload_id, owner), args=args)


def upload_keys(upload_id: str, owner: str) -> list[str]:
    """Keys of an upload, as `prelude.lua` names them."""
    prefix = f"fs:{{uploads:{owner}}}:"
    return [
        f"{prefix}upload:{upload_id}",
        f"{prefix}pieces:{upload_id}",
        prefix + "of",
        prefix + "bytes",
    ]


def _upload(flat: Sequence[object]) -> Upload | None:
    """An upload from a hash as a script answers it: names and values in turn."""
    if not flat:
        return None
    fields = {text(name): text(value) for name, value in zip(flat[::2], flat[1::2], strict=True)}
    return Upload(
        id=fields["id"],
        owner=fields["owner"],
        length_bytes=int(fields["length"]),
        offset_bytes=int(fields["offset"]),
        metadata=fields["metadata"],
        created_ms=int(fields["created_ms"]),
        expires_ms=int(fields["expires_ms"]),
    )


def _pieces(found: Sequence[object]) -> Sequence[Piece]:
    pairs = [text(one).rsplit(" ", 1) for one in found]
    return tuple(Piece(key=key, size_bytes=int(size)) for key, size in pairs)
