"""The photos of a form with many files, one in memory at a time."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.sansio.multipart import Data, Epilogue, Event, Field, File, MultipartDecoder, NeedData

from api.batches.entries import Entries, Entry, Photo, Refused, unnamed, wrong_id
from api.errors import ApiError
from api.whole_body import Readable

#: Names a file's field may have; how often it is repeated doesn't matter.
FILE_FIELDS = frozenset({"files", "file", "images", "image"})
#: Longest option, and all that may come before a part's content.
_LONGEST_FIELD_BYTES = 64 * 1024
_READ_BYTES = 64 * 1024
#: Options before the files.
_MOST_FIELDS = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class Form:
    """A form, read as far as its first file."""

    #: Options by name; those that were repeated as lists.
    members: dict[str, Any]
    #: The files, in their order, read when asked for.
    entries: Entries


def read_form(stream: Readable, boundary: str, *, most_files: int, item_bytes: int) -> Form:
    """Read a form's options, and get ready to read its files.

    Options come before files: they are known then when the first photo is taken.

    Args:
        stream: The request's body.
        boundary: Of its parts.
        most_files: How many are taken.
        item_bytes: Largest file.

    Raises:
        ApiError: it is no form. Reading the entries raises for what comes later.
    """
    if not (boundary and boundary.isascii()):
        raise ApiError("invalid_request", "The form's type names no boundary.")
    return _FormReader(stream, boundary, most_files, item_bytes).form()


class _FormReader:
    def __init__(self, stream: Readable, boundary: str, most_files: int, item_bytes: int) -> None:
        self._stream = stream
        self._most_files = most_files
        self._item_bytes = item_bytes
        self._decoder = MultipartDecoder(
            boundary.encode("ascii"),
            2 * _LONGEST_FIELD_BYTES,
            max_parts=most_files + _MOST_FIELDS,
        )
        #: The form's last boundary without its last dash, and as many bytes as were read last.
        self._half_end = b"--" + boundary.encode("ascii") + b"-"
        self._tail = b""
        self._events = self._read()

    def form(self) -> Form:
        members: dict[str, Any] = {}
        for event in self._events:
            if isinstance(event, File):
                return Form(members=members, entries=self._entries(event))
            if isinstance(event, Field):
                _add(members, event.name or "", self._text())
        return Form(members=members, entries=iter(()))

    def _entries(self, first: File) -> Iterator[Entry]:
        yield self._entry(first, 1)
        number = 1
        for event in self._events:
            if isinstance(event, Field):
                raise ApiError(
                    "invalid_request",
                    f"The option '{event.name}' comes after a file. Send options first.",
                    field=event.name,
                )
            if isinstance(event, File):
                number += 1
                yield self._entry(event, number)

    def _entry(self, file: File, number: int) -> Entry:
        if file.name not in FILE_FIELDS:
            raise ApiError("unknown_option", f"There is no file field '{file.name}'.")
        if number > self._most_files:
            raise ApiError(
                "batch_too_large",
                f"A form has at most {self._most_files} files. Send an archive instead.",
            )
        content, size_bytes = self._content(self._item_bytes)
        name = file.filename or unnamed(number)
        if why := wrong_id(name):
            return Refused(id=unnamed(number), code="unsafe_name", message=why)
        if size_bytes > self._item_bytes:
            message = f"The file is larger than {self._item_bytes} bytes."
            return Refused(id=name, code="file_too_large", message=message)
        return Photo(id=name, content=content)

    def _text(self) -> str:
        content, size_bytes = self._content(_LONGEST_FIELD_BYTES)
        if size_bytes > _LONGEST_FIELD_BYTES:
            raise ApiError("invalid_request", "The form has too long fields.")
        try:
            return content.decode()
        except UnicodeDecodeError:
            raise ApiError("invalid_request", "An option is no UTF-8 text.") from None

    def _content(self, most_bytes: int) -> tuple[bytes, int]:
        """A part's content as far as it is allowed, and its whole size."""
        content, size_bytes = bytearray(), 0
        for event in self._events:
            if not isinstance(event, Data):
                break
            size_bytes += len(event.data)
            if size_bytes <= most_bytes:
                content += event.data
            if not event.more_data:
                break
        return bytes(content), size_bytes

    def _read(self) -> Iterator[Event]:
        while True:
            event = self._next()
            if isinstance(event, Epilogue):
                return
            if not isinstance(event, NeedData):
                yield event

    def _next(self) -> Event:
        try:
            event = self._decoder.next_event()
        except RequestEntityTooLarge:
            raise ApiError("batch_too_large", "The form has too many parts.") from None
        except ValueError:
            raise ApiError("invalid_request", "The body is no form, or ends too early.") from None
        if isinstance(event, NeedData):
            self._receive(self._next_data())
        return event

    def _next_data(self) -> bytes:
        """The next part of the body, never ending in the middle of its last boundary.

        Werkzeug 3.1's decoder gives a byte too much of the last part when it is handed the first of
        the two dashes that end a form without the second.
        """
        data = self._stream.read(_READ_BYTES)
        self._tail = (self._tail + data)[-len(self._half_end) :]
        if self._tail == self._half_end:
            data += self._stream.read(1)
        return data

    def _receive(self, data: bytes) -> None:
        try:
            self._decoder.receive_data(data or None)
        except RequestEntityTooLarge:
            raise ApiError("invalid_request", "The head of a part is too long.") from None


def _add(members: dict[str, Any], name: str, value: str) -> None:
    if name not in members:
        members[name] = value
    elif isinstance(members[name], list):
        members[name].append(value)
    else:
        members[name] = [members[name], value]
