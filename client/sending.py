"""What both clients share: where a batch's bytes come from, and calls no method was written for."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from client.archives import file_body, photos_in, tar_of
from client.calls import Body, Call, Flow, body_of, perform
from client.photos import Photo, PhotoSource
from client.retries import Retries

ARCHIVE_TYPES = {".zip": "application/zip", ".tar": "application/x-tar"}
#: A folder, a ZIP or TAR file, or several photos.
BulkSource = Sequence[PhotoSource] | str | os.PathLike[str]
#: A folder's list of photos with their persons, see docs/reference/http.md.
MANIFEST = "manifest.csv"
#: Methods that may be repeated whatever they are sent to.
REPEATABLE = frozenset({"GET", "HEAD", "PUT", "DELETE"})


def bulk(photos: BulkSource) -> Body:
    """A batch's body from what callers hand in.

    Raises:
        FileNotFoundError: one of them is not there.
        NotADirectoryError: the path is neither a folder nor an archive.
    """
    if not isinstance(photos, str | os.PathLike):
        return tar_of([Photo.of(photo) for photo in photos])
    path = Path(photos)
    media_type = ARCHIVE_TYPES.get(path.suffix.lower())
    if path.is_file() and media_type:
        return file_body(path, media_type=media_type)
    return tar_of(photos_in(path))


def people_body(source: Path) -> Body:
    """A bulk enrolment's body: photos by persons, the list of them first if there is one.

    Raises:
        NotADirectoryError: the path is neither a folder nor an archive.
    """
    manifest = source / MANIFEST
    if not manifest.is_file():
        return bulk(source)
    return tar_of([Photo(name=MANIFEST, content=manifest), *photos_in(source)])


def any_call(method: str, path: str, members: dict[str, Any], retries: Retries) -> Flow[Any]:
    """Any address of the gateway: its JSON; None when it answers none."""
    call = Call(method=method, path=path, **{"is_repeatable": method in REPEATABLE, **members})
    response = yield from perform(call, retries)
    return body_of(response) if response.content else None
