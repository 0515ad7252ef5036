"""From what a request names to files that were looked at: fetched where they are at URLs."""

import hashlib
import io
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import BinaryIO

from api.errors import ApiError
from api.images import check_image
from api.inputs.body import Source
from api.inputs.forms import Form
from api.offload import offload
from api.outbound.errors import OutboundError
from api.outbound.guard import Outbound
from api.videos import check_video
from workers.settings.process import Settings

#: Read at a time for a file's hash.
_READ_BYTES = 1 << 20


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckedFile:
    """A file whose header is that of one we take."""

    content: BinaryIO
    #: SHA-256, hexadecimal.
    digest: str
    #: Of what was fetched; 0 for files that were sent.
    fetched_bytes: int
    #: Of an image, as its header says; 0 for videos.
    pixels: int


@contextmanager
def checked_files(
    sources: Sequence[Source], form: Form, *, settings: Settings, outbound: Outbound
) -> Iterator[list[CheckedFile]]:
    """The files of a request, open until left.

    Raises:
        ApiError: a URL is refused or can't be fetched, or a file is none that is taken.
    """
    with ExitStack() as opened:
        found = []
        for source in sources:
            file, fetched_bytes = source.file, 0
            if file is None:
                file = opened.enter_context(_fetched(source, form, settings, outbound))
                fetched_bytes = file.seek(0, io.SEEK_END)
            pixels = _check(file, source.field, form, settings)
            digest = offload(digest_of, file)
            found.append(
                CheckedFile(content=file, digest=digest, fetched_bytes=fetched_bytes, pixels=pixels)
            )
        yield found


def _fetched(source: Source, form: Form, settings: Settings, outbound: Outbound) -> BinaryIO:
    try:
        return outbound.fetch(
            source.url or "",
            max_bytes=max_bytes(form, settings),
            total_seconds=settings.url_seconds,
        )
    except OutboundError as error:
        raise ApiError(error.code, str(error), field=source.field) from None


def _check(file: BinaryIO, field: str, form: Form, settings: Settings) -> int:
    if form.media == "video":
        check_video(file, max_bytes=settings.max_video_bytes, field=field)
        return 0
    header = check_image(
        file,
        max_bytes=settings.max_image_bytes,
        max_pixels=settings.max_image_pixels,
        field=field,
    )
    return header.width * header.height


def max_bytes(form: Form, settings: Settings) -> int:
    """The largest file of an endpoint."""
    return settings.max_video_bytes if form.media == "video" else settings.max_image_bytes


def digest_of(file: BinaryIO) -> str:
    """SHA-256 of a file, hexadecimal; at its beginning afterwards."""
    made = hashlib.sha256()
    file.seek(0)
    while piece := file.read(_READ_BYTES):
        made.update(piece)
    file.seek(0)
    return made.hexdigest()
