"""Headers of requests: those of the form, and those of the upload protocol."""

from typing import Any


def _header(name: str, description: str, schema: dict[str, Any], **more: object) -> dict[str, Any]:
    return {"name": name, "in": "header", "description": description, "schema": schema, **more}


_TEXT = {"type": "string"}
_BYTES = {"type": "string", "pattern": "^[0-9]{1,15}$"}

#: By the name they are referred to.
HEADERS: dict[str, dict[str, Any]] = {
    "RequestId": _header(
        "X-Request-ID",
        "Comes back in the answer and is in the log: up to 64 letters, digits, `.`, `_` and `-`. "
        "Another one is replaced.",
        _TEXT,
    ),
    "IdempotencyKey": _header(
        "Idempotency-Key",
        "Sending the same request again with the same key does it once and answers the same; "
        "another request with that key is refused.",
        {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$"},
        example="0198c2f0-upload-17",
    ),
    "Prefer": _header(
        "Prefer",
        "`wait=SECONDS`: answer when it has ended, at the latest after that time (RFC 7240). "
        "The same as `?wait=`.",
        _TEXT,
        example="wait=10",
    ),
    "IfNoneMatch": _header(
        "If-None-Match", "An `ETag`: 304 as long as nothing has changed.", _TEXT
    ),
    "IfMatch": _header(
        "If-Match",
        "An `ETag`: change it only if it is as that answer told it. `*`: however it is.",
        _TEXT,
    ),
    "TusResumable": _header("Tus-Resumable", "Version of the upload protocol.", {"const": "1.0.0"}),
    "UploadLength": _header("Upload-Length", "Bytes of the whole file.", _BYTES),
    "UploadOffset": _header("Upload-Offset", "Where the part begins, bytes.", _BYTES),
    "UploadMetadata": _header(
        "Upload-Metadata", "Names with base64 values, with commas between.", _TEXT
    ),
    "UploadChecksum": _header(
        "Upload-Checksum", "An algorithm and the part's digest in base64.", _TEXT
    ),
}
#: Of a header that must be sent: the name it is referred to has this behind it.
_REQUIRED = "Required"


def components() -> dict[str, dict[str, Any]]:
    """Every header as it may be sent, and as it must be."""
    required = {f"{name}{_REQUIRED}": {**one, "required": True} for name, one in HEADERS.items()}
    return HEADERS | required


def reference(name: str) -> dict[str, str]:
    """The reference to a header of `Endpoint.headers`."""
    own = f"{name.removeprefix('!')}{_REQUIRED}" if name.startswith("!") else name
    return {"$ref": f"#/components/parameters/{own}"}
