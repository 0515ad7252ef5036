"""What the headers of tus 1.0 say: https://tus.io/protocols/resumable-upload."""

import base64
import binascii
import hashlib
import re
from typing import Protocol

from werkzeug.datastructures import Headers

from api.errors import ApiError
from api.whole_body import Readable

VERSION = "1.0.0"
EXTENSIONS = ("creation", "termination", "checksum", "expiration")
#: SHA-1 is what every client of the protocol knows; it guards against accidents only.
CHECKSUMS = ("sha1", "sha256", "md5")
#: Of a part of an upload.
PART_TYPE = "application/offset+octet-stream"
#: Longest `Upload-Metadata` header, characters.
LONGEST_METADATA = 4096
_KEY = re.compile(r"[\x21-\x2b\x2d-\x7e]+")
#: Larger numbers are no sizes of anything; scripts count exactly up to 2^53.
_LONGEST_NUMBER = 15


class _Digest(Protocol):
    def update(self, data: bytes, /) -> None: ...
    def digest(self) -> bytes: ...


def check_version(headers: Headers) -> None:
    """Refuse another version of the protocol.

    Raises:
        ApiError: `upload_version_unsupported`.
    """
    if headers.get("Tus-Resumable") != VERSION:
        raise ApiError(
            "upload_version_unsupported",
            f"Send the header Tus-Resumable: {VERSION}.",
            field="Tus-Resumable",
        )


def number_of(headers: Headers, name: str) -> int:
    """A header that holds a number of bytes.

    Raises:
        ApiError: it is missing or no such number.
    """
    value = headers.get(name)
    if value is None:
        raise ApiError("missing_field", f"The header {name} is missing.", field=name)
    if not (value.isascii() and value.isdigit() and len(value) <= _LONGEST_NUMBER):
        raise ApiError("validation_error", f"{name}: expected a number of bytes.", field=name)
    return int(value)


def metadata_of(headers: Headers) -> str:
    """The `Upload-Metadata` header, as it is told again to who asks for the upload.

    Raises:
        ApiError: it is too long, or not keys with values in base64.
    """
    text = headers.get("Upload-Metadata", "").strip()
    pairs = [pair.strip().partition(" ") for pair in text.split(",")] if text else []
    keys = [key for key, _, _ in pairs]
    fits = len(text) <= LONGEST_METADATA and len(set(keys)) == len(keys)
    if not fits or not all(_KEY.fullmatch(key) and _is_base64(value) for key, _, value in pairs):
        raise ApiError(
            "validation_error",
            f"Upload-Metadata: expected at most {LONGEST_METADATA} characters of 'key base64', "
            "separated by commas, every key once.",
            field="Upload-Metadata",
        )
    return text


class Checksum:
    """The checksum of a request's body, as its header announces it."""

    def __init__(self, algorithm: str, expected: bytes) -> None:
        self._expected = expected
        self._digest: _Digest = hashlib.new(algorithm, usedforsecurity=False)

    def over(self, stream: Readable) -> Readable:
        """The same stream, counted while it is read."""
        return _Counted(stream, self._digest)

    def verify(self) -> None:
        """Refuse a body that is not what was announced.

        Raises:
            ApiError: `upload_checksum_mismatch`.
        """
        if self._digest.digest() != self._expected:
            raise ApiError(
                "upload_checksum_mismatch", "The body arrived changed; it was not kept. Send again."
            )


def checksum_of(headers: Headers) -> Checksum | None:
    """The `Upload-Checksum` header; None without.

    Raises:
        ApiError: another algorithm, or no checksum of it.
    """
    text = headers.get("Upload-Checksum")
    if text is None:
        return None
    algorithm, _, encoded = text.strip().partition(" ")
    if algorithm in CHECKSUMS and encoded and _is_base64(encoded):
        expected = base64.b64decode(encoded)
        if len(expected) == hashlib.new(algorithm, usedforsecurity=False).digest_size:
            return Checksum(algorithm, expected)
    raise ApiError(
        "invalid_request",
        f"Upload-Checksum: expected one of {', '.join(CHECKSUMS)} and the checksum in base64.",
        field="Upload-Checksum",
    )


class _Counted:
    def __init__(self, stream: Readable, digest: _Digest) -> None:
        self._stream = stream
        self._digest = digest

    def read(self, size: int, /) -> bytes:
        part = self._stream.read(size)
        self._digest.update(part)
        return part


def _is_base64(text: str) -> bool:
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return False
    return True
