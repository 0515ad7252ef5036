"""A few photos in one request, sent and answered together."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from flask import Request

from api.batches.entries import Photo, wrong_id
from api.batches.form_entries import read_form
from api.batches.manifest import Reference
from api.batches.pages import all_items
from api.batches.photos import Sent
from api.batches.sources import Source, generated
from api.batches.view import item_text
from api.errors import ApiError
from api.inputs.analyses import ANALYZE
from api.inputs.body import decode_base64, parse_json
from api.inputs.forms import Fixed
from api.inputs.json_files import json_members
from api.services import Services
from api.whole_body import WholeBody
from workers.batches.records import Batch, Item

#: Photos of one request.
MOST_IMAGES = 20
_FORM_BYTES = 64 * 1024

#: Options of a small batch: those of a photo, and two that others have.
SMALL = replace(
    ANALYZE,
    fixed={
        **ANALYZE.fixed,
        "parallel_processing": Fixed(
            accepted=("true",), reason="Workers take photos together where they can."
        ),
        "max_concurrent": Fixed(
            accepted=tuple(map(str, range(1, MOST_IMAGES + 1))),
            reason="How many photos are analysed at a time is up to the workers.",
        ),
    },
)


def open_small(parts: Services, request: Request) -> Source:
    """Read a request as JSON with base64 or URLs, or as a form, as far as its options.

    Raises:
        ApiError: it can't be read, or has no photo or more than MOST_IMAGES.
    """
    settings = parts.settings
    if request.mimetype == "multipart/form-data":
        request.max_content_length = MOST_IMAGES * settings.max_image_bytes + _FORM_BYTES
        form = read_form(
            WholeBody(request),
            request.mimetype_params.get("boundary", ""),
            most_files=MOST_IMAGES,
            item_bytes=settings.max_image_bytes,
        )
        return Source(members=form.members, sent=generated(form.entries))
    if request.mimetype != "application/json":
        detail = "Send application/json with `images`, or multipart/form-data with files."
        raise ApiError("unsupported_media_type", detail)
    request.max_content_length = settings.max_json_bytes
    with json_members(request, parse_json) as members:
        return _of_members(members)


def _of_members(members: dict[str, Any]) -> Source:
    """The photos of a JSON body.

    Raises:
        ApiError: there is none, one too many, or one that can't be read.
    """
    images = members.pop("images", None)
    if not isinstance(images, list) or not images:
        detail = "'images' is missing, or no list with photos."
        raise ApiError("missing_field", detail, field="images")
    if len(images) > MOST_IMAGES:
        detail = f"images: at most {MOST_IMAGES}; /api/v1/batch/submit takes more."
        raise ApiError("batch_too_large", detail, field="images")
    # Here and not when they are taken: one that can't be read spoils the request.
    sent = [_image(image, f"images.{number}", number) for number, image in enumerate(images)]
    return Source(members=members, sent=generated(sent))


def _image(image: object, field: str, number: int) -> Sent:
    if isinstance(image, str):
        image = {"data": image}
    if not isinstance(image, dict) or set(image) - {"id", "data", "url"}:
        detail = f"{field}: expected an object with `data` or `url`, and an `id` if wanted."
        raise ApiError("validation_error", detail, field=field)
    name = image.get("id", str(number + 1))
    if not isinstance(name, str) or (why := wrong_id(name)):
        detail = f"{field}.id: {why if isinstance(name, str) else 'expected a text.'}"
        raise ApiError("validation_error", detail, field=f"{field}.id")
    data, url = image.get("data"), image.get("url")
    if isinstance(data, str) and url is None:
        return Photo(id=name, content=decode_base64(data, field=f"{field}.data"))
    if isinstance(url, str) and data is None:
        return Reference(id=name, kind="url", place=url)
    raise ApiError("missing_field", f"{field}: one of `data` and `url`.", field=field)


def analysed_body(parts: Services, batch: Batch, body: dict[str, Any]) -> Mapping[str, Any]:
    """A batch that has ended, with all its items and what they add up to."""
    items = list(all_items(parts, batch))
    results = [_item_body(item) for item in items]
    faces = sum(len((one["result"] or {}).get("faces") or ()) for one in results)
    summary = {
        "total_images": batch.counts.total,
        "successful": batch.counts.succeeded,
        "failed": batch.counts.total - batch.counts.succeeded,
        "total_faces": faces,
    }
    return {**body, "results": results, "summary": summary}


def _item_body(item: Item) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(item_text(item))
    return made
