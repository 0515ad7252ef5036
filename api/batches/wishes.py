"""What is asked of a batch: options of every photo, and what concerns the batch itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, cast

from flask import request
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from api.errors import invalid_options
from api.identities.naming import namer
from api.inputs.analyses import ANALYZE
from api.inputs.forms import Form
from api.inputs.naming import DatabaseMembers
from api.inputs.options import asked_of
from api.services import Services
from api.tags import Tags
from workers.batches.records import BatchOptions
from workers.contract import AnalyzeOptions


class BatchWishes(BaseModel):
    """What concerns the batch itself."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    #: Take more photos later: the batch stays open until it is closed.
    open: bool = False
    #: What becomes of the batch when what was sent can't be read to its end: it stays open, so that
    #: the rest can follow, or it closes with what has arrived.
    incomplete: Literal["keep", "close"] = "keep"
    #: Keep photos beyond their analysis, as long as failed items may be retried: pictures with the
    #: faces drawn into them are made of them.
    keep_photos: bool = False


class BatchExtras(BaseModel):
    """Members of requests for a batch, beside the options of its photos."""

    #: Words to find it by, repeated or with commas between.
    tags: Tags = ()
    #: Called once the batch has ended; see the documentation of webhooks.
    webhook_url: str | None = None


def _without_noted(schema: dict[str, Any]) -> None:
    """What the gateway itself notes of how faces are named is no part of what is sent."""
    schema.get("properties", {}).pop("identify", None)


class PhotoOptions(DatabaseMembers, AnalyzeOptions):
    """What may be asked of every photo of a batch."""

    model_config = ConfigDict(json_schema_extra=_without_noted)


class SubmitQuery(PhotoOptions, BatchWishes, BatchExtras):
    """Options of a batch, as parameters of the address."""


_UploadId = Annotated[str, Field(min_length=1, max_length=100)]
_Files = Annotated[
    list[Annotated[str, Field(json_schema_extra={"format": "binary"})]], Field(min_length=1)
]


class SubmitBody(SubmitQuery):
    """A batch of an archive that was uploaded before; or, without, one that is filled later."""

    #: Id of a complete resumable upload, a ZIP or TAR archive. Without it `open` has to be true.
    upload: _UploadId | None = None


class SubmitForm(SubmitQuery):
    """A batch as a form: options first, then files."""

    #: The photos. Their names are the items' ids.
    files: _Files


class AddBody(BaseModel):
    """More photos for a batch: an archive that was uploaded before."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    #: Id of a complete resumable upload, a ZIP or TAR archive.
    upload: _UploadId


class AddForm(BaseModel):
    """More photos for a batch, as a form."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    #: The photos. Their names are the items' ids.
    files: list[Annotated[str, Field(json_schema_extra={"format": "binary"})]] = []


class RetryBody(BaseModel):
    """Which failed items are tried again."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    #: Only those whose error says that the same photo may succeed later.
    only_retryable: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class AskedBatch:
    """What a request asks of its batch."""

    options: BatchOptions
    wishes: BatchWishes
    tags: tuple[str, ...]
    #: Told of the batch's end; "": nobody.
    webhook_url: str


def asked_batch(parts: Services, members: Mapping[str, Any], form: Form = ANALYZE) -> AskedBatch:
    """What a request asks, by its address and by members of its body, which win.

    Args:
        parts: Of the gateway.
        members: Of the body.
        form: Which options there are.

    Raises:
        ApiError: an option is wrong or unknown.
    """
    given = {**_of_address(), **members}
    own = {name: given.pop(name) for name in BatchWishes.model_fields if name in given}
    try:
        wishes = BatchWishes.model_validate(own)
    except ValidationError as error:
        raise invalid_options(error) from None
    disabled = parts.settings.disabled_analyses
    asked = asked_of(
        given,
        form,
        catalogue=parts.catalogue,
        disabled_analyses=disabled,
        namer=namer(parts),
    )
    return AskedBatch(
        options=cast("AnalyzeOptions", asked.options),
        wishes=wishes,
        tags=asked.tags,
        webhook_url=asked.webhook_url,
    )


def _of_address() -> dict[str, Any]:
    # A batch has no say in these.
    ours = {"wait", "kind", "priority"}
    return {
        name: values[0] if len(values) == 1 else values
        for name, values in request.args.lists()
        if name not in ours
    }
