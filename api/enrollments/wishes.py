"""What is asked of an enrolment of many people."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from flask import request
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from api.batches.wishes import AskedBatch, BatchWishes
from api.endpoint import principal
from api.enrollments.assignment import People
from api.errors import invalid_options
from api.tags import Tags
from workers.contract import Gate
from workers.identities.records import Collection
from workers.jobs.options import EnrollOptions


def _words(value: object) -> object:
    """Words with commas between, repeated or not."""
    given: list[object] = value if isinstance(value, list) else [value]
    words = [one for one in given if isinstance(one, str)]
    if len(words) < len(given):
        return value
    return [word.strip() for one in words for word in one.split(",") if word.strip()]


class EnrollmentQuery(BaseModel):
    """How photos are enrolled."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    #: Which face of a photo with several is the person's: none ("only": it is refused), the
    #: largest, or the one nearest the middle.
    face: Literal["only", "largest", "center"] = "only"
    #: What a face must be to be enrolled, repeated or with commas between.
    require: Annotated[tuple[Gate, ...], BeforeValidator(_words)] = ()
    #: What says whom a photo shows: `manifest.csv`, the folders photos lie in, or the list where
    #: there is one.
    people: People = "auto"
    #: What becomes of the batch when what was sent can't be read to its end: it stays open, so that
    #: the same request can be sent again, or it closes with what has arrived.
    incomplete: Literal["keep", "close"] = "keep"
    #: Words to find the batch by, repeated or with commas between.
    tags: Annotated[Tags, BeforeValidator(_words)] = ()
    #: Called once the batch has ended; see the documentation of webhooks.
    webhook_url: Annotated[str, Field(max_length=2048)] = ""


class EnrollmentBody(EnrollmentQuery):
    """An enrolment of an archive that was uploaded before."""

    #: Id of a complete resumable upload, a ZIP or TAR archive.
    upload: Annotated[str, Field(min_length=1, max_length=100)]


class EnrollmentForm(EnrollmentQuery):
    """An enrolment as a form: options first, then `manifest.csv` if there is one, then photos."""

    #: Their names are the items' ids; folders in them count.
    files: Annotated[
        list[Annotated[str, Field(json_schema_extra={"format": "binary"})]], Field(min_length=1)
    ]


@dataclass(frozen=True, kw_only=True, slots=True)
class AskedEnrollment:
    """What a request asks."""

    batch: AskedBatch
    people: People


def asked_enrollment(collection: Collection, members: Mapping[str, Any]) -> AskedEnrollment:
    """What a request asks, by its address and by members of its body, which win.

    Raises:
        ApiError: an option is wrong or unknown.
    """
    address = {name: values for name, values in request.args.lists() if name != "wait"}
    given = {name: one[0] if len(one) == 1 else one for name, one in address.items()}
    try:
        wishes = EnrollmentQuery.model_validate({**given, **members})
    except ValidationError as error:
        raise invalid_options(error) from None
    caller = principal()
    options = EnrollOptions(
        collection=collection.uid,
        collection_id=collection.id,
        person="",
        face=wishes.face,
        require=wishes.require,
        by=caller.user_id,
        credential_id=caller.credential_id,
        priority="batch",
    )
    batch = AskedBatch(
        options=options,
        wishes=BatchWishes(incomplete=wishes.incomplete),
        tags=wishes.tags,
        webhook_url=wishes.webhook_url,
    )
    return AskedEnrollment(batch=batch, people=wishes.people)
