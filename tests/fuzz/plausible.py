"""What a schema can't say: photos that are photos, names that exist, members that go together.

Changes made-up requests that are meant to be right, and no others: those that are meant to be wrong
go out as they were made.
"""

import base64
import gzip
import io
import json
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from typing import Any, Final

import schemathesis
from hypothesis import strategies as st
from PIL import Image
from schemathesis import Case, HookContext

#: Of any operation.
AnyCase = Case[Any]


def _photo() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (16, 12)).save(buffer, "JPEG")
    return buffer.getvalue()


PHOTO: Final = _photo()
#: As much of an MP4 file as the gateway looks at.
VIDEO: Final = b"\x00\x00\x00\x18ftypisom" + bytes(16)
#: Members with files, by name: what is in them.
FILES: Final = {"image": PHOTO, "image1": PHOTO, "image2": PHOTO, "video": VIDEO}
#: Members that exclude others, that name what may not be there, or that need a setting.
LEFT_OUT: Final = {
    *("options", "source", "target", "incomplete", "upload", "far", "max_concurrent"),
    *("engine", "detection_engine", "confidence_threshold", "model", "recognition_model"),
    *("anti_spoofing_model", "deepfake_model", "demographics_model"),
    # How faces are named, without by which collection; or one thing in two ways.
    *("candidates", "max_results", "fpir", "identity_threshold", "require"),
    *("embedding", "embeddings", "sha256", "preprocessing_version"),
    # Thresholds of a kind that need one more; times before there were any.
    *("thresholds", "consent"),
}
#: Embeddings that can be compared with each other.
EMBEDDINGS: Final[Mapping[str, Any]] = {
    "embedding1": [0.6, 0.8],
    "embedding2": [1.0, 0.0],
    "query_embedding": [0.6, 0.8],
    "gallery_embeddings": [{"id": "one", "embedding": [1.0, 0.0]}],
}
#: Members that are strong enough, and the same where they are repeated.
PASSWORDS: Final = {"password", "new_password", "confirm_password"}
#: Parameters that are only understood together with others, or that an answer gave.
LEFT_OUT_OF_QUERIES: Final = {"after", "start_date", "end_date"}
_URLS: Final = ("_url", "_urls")


def _zip() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("photo.jpg", PHOTO)
    return buffer.getvalue()


def _tar() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        entry = tarfile.TarInfo("photo.jpg")
        entry.size = len(PHOTO)
        archive.addfile(entry, io.BytesIO(PHOTO))
    return buffer.getvalue()


def register() -> None:
    """Tell Schemathesis of bodies it doesn't know."""
    packed, manifest = gzip.compress(_tar()), json.dumps({"upload": f"upload_{'0' * 32}"}).encode()
    bodies = {
        "application/zip": _zip(),
        "application/x-zip-compressed": _zip(),
        "application/x-tar": _tar(),
        "application/x-gtar": _tar(),
        "application/gzip": packed,
        "application/x-gzip": packed,
        "application/x-ndjson": manifest,
        "application/ndjson": manifest,
        "application/offset+octet-stream": PHOTO,
    }
    for media_type, body in bodies.items():
        schemathesis.openapi.media_type(media_type, st.just(body))


def make_plausible(_: HookContext, case: AnyCase, __: dict[str, Any]) -> None:
    """Mend a request that is meant to be right; called before each is sent."""
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    for name in list(case.query or {}):
        if name in LEFT_OUT | LEFT_OUT_OF_QUERIES or name.endswith(_URLS):
            del case.query[name]
    if isinstance(case.body, dict):
        case.body = _mended(case, case.body)
    # Bytes in a form count as wrong, and with them the whole request, unless it began like this.
    case._record_starting_state()


def _mended(case: AnyCase, made_up: Mapping[str, Any]) -> dict[str, Any]:
    is_json = case.media_type == "application/json"

    def written(content: bytes) -> str | bytes:
        return base64.b64encode(content).decode() if is_json else content

    schema = case.operation.schema.raw_schema
    members = _members(case, schema)
    files = FILES.keys() | _LISTS.keys()
    # Files come last: a form is read as it arrives, options first.
    body = {
        name: value
        for name, value in made_up.items()
        if name not in LEFT_OUT | files and not name.endswith(_URLS)
    }
    for name in sorted(files & members.keys()):
        body[name] = _LISTS[name](case, written) if name in _LISTS else written(FILES[name])
    if list(members) == ["upload"] or (is_json and case.operation.path.endswith("/enrollments")):
        body["upload"] = f"upload_{'0' * 32}"
    for name in EMBEDDINGS.keys() & body.keys():
        body[name] = EMBEDDINGS[name]
    for name in PASSWORDS & set(body):
        body[name] = "A long enough password, 1"
    if "open" in body:
        # Without an upload.
        body["open"] = True
    if "url" in body:
        body["url"] = "https://example.org/called"
    return body


def _members(case: AnyCase, schema: dict[str, Any]) -> dict[str, Any]:
    """The members that the body's schema names."""
    content = case.operation.definition.raw["requestBody"]["content"][case.media_type]["schema"]
    if "$ref" in content:
        content = schema["components"]["schemas"][content["$ref"].rpartition("/")[2]]
    found: dict[str, Any] = content.get("properties", {})
    return found


def _images(case: AnyCase, written: Callable[[bytes], Any]) -> list[Any]:
    if case.operation.path.endswith("batch-analyze"):
        return [{"id": "one", "data": written(PHOTO)}]
    return [written(PHOTO)] * 3


_LISTS: Final[dict[str, Callable[[AnyCase, Callable[[bytes], Any]], list[Any]]]] = {
    "images": _images,
    "files": lambda _, written: [written(PHOTO)],
}
