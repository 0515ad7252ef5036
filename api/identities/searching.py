"""Identification by embeddings: a job without a photo."""

import hashlib
import io
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from api.endpoint import principal
from api.errors import ApiError, invalid_options
from api.identities.vectors import WrongEmbedding, as_float32, normalised
from api.inputs.files import CheckedFile
from api.inputs.naming import CollectionMembers, Naming, taken_naming
from api.inputs.options import Asked
from api.offload import offload
from api.services import Services
from api.tags import Tags
from workers.identities.errors import ContractMismatch
from workers.identities.records import Collection
from workers.jobs.options import Priority, SearchOptions

#: Embeddings of one request.
MOST_EMBEDDINGS = 20
#: A largest embedding has as many numbers as `SearchOptions.dimensions` takes.
#: Of what is wrong the first number is told: the answer would be many times what was sent.
_Embedding = Annotated[list[float], Field(min_length=2, max_length=8192, fail_fast=True)]


class EmbeddingMembers(BaseModel):
    """Embeddings in place of a photo, as `recognition` of an analysis told them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    embedding: _Embedding | None = None
    #: Several, all of one model.
    embeddings: (
        Annotated[list[_Embedding], Field(min_length=1, max_length=MOST_EMBEDDINGS)] | None
    ) = None
    #: Model that made them.
    model: Annotated[str, Field(max_length=500)] | None = None
    #: Its hash.
    sha256: Annotated[str, Field(max_length=64)] | None = None
    preprocessing_version: Annotated[str, Field(max_length=64)] | None = None


class SearchMembers(EmbeddingMembers):
    """The same with what is asked of them."""

    priority: Priority = "interactive"
    tags: Tags = ()
    #: Called once the job has ended.
    webhook_url: Annotated[str, Field(max_length=2048)] | None = None


def has_embeddings(members: Mapping[str, Any]) -> bool:
    """Whether a request came with embeddings in place of a photo."""
    return members.get("embedding") is not None or members.get("embeddings") is not None


def search_of(
    parts: Services, collection: Collection, given: Mapping[str, Any]
) -> tuple[Asked, CheckedFile]:
    """A job that names embeddings, and the file it reads them from.

    Args:
        parts: Of the gateway.
        collection: Of the address.
        given: Members of the request.

    Raises:
        ApiError: something is wrong or missing.
        ContractMismatch: the collection's embeddings are another model's.
    """
    rest = dict(given)
    naming = taken_naming(rest, CollectionMembers)
    if unknown := rest.keys() - SearchMembers.model_fields.keys():
        name = min(unknown)
        detail = f"There is no option '{name}' here: embeddings are named, nothing else."
        raise ApiError("unknown_option", detail, field=name)
    try:
        members = SearchMembers.model_validate(rest)
    except ValidationError as error:
        raise invalid_options(error) from None
    if naming is None or naming.require:
        detail = "require: an embedding can't be judged. Send a photo."
        raise ApiError("option_unsupported", detail, field="require")
    content, dimensions = offload(_packed, members)
    options = _options(collection, members, naming, dimensions)
    _require_same(collection, options)
    if members.webhook_url:
        parts.webhooks.accept(options.by, members.webhook_url)
    asked = Asked(options=options, tags=members.tags, webhook_url=members.webhook_url or "")
    return asked, CheckedFile(
        content=io.BytesIO(content),
        digest=hashlib.sha256(content).hexdigest(),
        fetched_bytes=0,
        pixels=0,
    )


def _options(
    collection: Collection, members: SearchMembers, naming: Naming, dimensions: int
) -> SearchOptions:
    caller = principal()
    return SearchOptions(
        collection=collection.uid,
        collection_id=collection.id,
        model=_needed(members, "model"),
        sha256=_needed(members, "sha256"),
        preprocessing_version=_needed(members, "preprocessing_version"),
        dimensions=dimensions,
        candidates=naming.candidates,
        fpir=naming.fpir,
        threshold=naming.threshold,
        by=caller.user_id,
        credential_id=caller.credential_id,
        priority=members.priority,
    )


def _needed(members: EmbeddingMembers, name: str) -> str:
    value: str | None = getattr(members, name)
    if not value:
        detail = f"'{name}' is missing: send what `recognition` told beside the embedding."
        raise ApiError("missing_field", detail, field=name)
    return value


def _packed(members: EmbeddingMembers) -> tuple[bytes, int]:
    """The embeddings one after another as float32, and how many numbers each has."""
    if members.embedding is not None and members.embeddings is not None:
        detail = "'embedding' and 'embeddings' were both sent."
        raise ApiError("validation_error", detail, field="embeddings")
    single = [] if members.embedding is None else [members.embedding]
    given = members.embeddings or single
    dimensions = len(given[0])
    packed = []
    for number, vector in enumerate(given):
        field = "embedding" if members.embeddings is None else f"embeddings.{number}"
        if len(vector) != dimensions:
            detail = f"{field}: expected {dimensions} numbers, as the first has."
            raise ApiError("validation_error", detail, field=field)
        try:
            packed.append(as_float32(normalised(vector)))
        except WrongEmbedding as error:
            raise ApiError("validation_error", f"{field}: {error}", field=field) from None
    return b"".join(packed), dimensions


def _require_same(collection: Collection, options: SearchOptions) -> None:
    contract = collection.contract
    if contract is None:
        return
    asked = (options.model, options.sha256, options.preprocessing_version, options.dimensions)
    own = (contract.model, contract.sha256, contract.preprocessing_version, contract.dimensions)
    if asked != own:
        raise ContractMismatch(
            f"The collection '{collection.id}' has embeddings of {contract.model} "
            f"(sha256 {contract.sha256}, preprocessing {contract.preprocessing_version}, "
            f"{contract.dimensions} numbers); these are others. Analyse the photo with that model, "
            "or change the collection's."
        )
