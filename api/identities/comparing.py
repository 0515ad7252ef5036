"""Embeddings against each other: no collection, no photo, no worker."""

import math
from typing import Annotated

from pydantic import Field

from api.answers.embeddings import (
    ComparedEmbeddings,
    EmbeddingsAnswer,
    GalleryMatch,
    MatchedGallery,
    MeasuredAnswer,
)
from api.errors import ApiError
from api.identities.bodies import Given
from api.identities.vectors import WrongEmbedding, cosine
from models.catalogue import Catalogue
from models.errors import UnknownModel
from models.spec import VerificationThresholds
from workers.choices import ENSEMBLE, candidates
from workers.contract import ModelName

#: Embeddings of one gallery; larger ones are collections.
MOST_GALLERY = 200
#: The rate asked for when none is; as `CompareOptions` has it.
_USUAL_FAR = 1e-3
#: How far two rates may be apart and still be the same one.
_SAME_RATE = 1e-6
#: Of what is wrong the first number is told: the answer would be many times what was sent.
_Embedding = Annotated[list[float], Field(min_length=2, max_length=4096, fail_fast=True)]


class HeldAgainst(Given):
    """What similarities are held against."""

    #: Recognition model that made the embeddings, by name; not sent: the default one.
    model: ModelName | None = None
    #: False accept rate its thresholds were measured at; 0.001 when not sent.
    far: Annotated[float, Field(gt=0, lt=1)] | None = None
    #: A similarity of one's own choice in place of `far`.
    threshold: Annotated[float, Field(ge=-1, le=1)] | None = None


class CompareFacesBody(HeldAgainst):
    """Two embeddings of one model."""

    embedding1: _Embedding
    embedding2: _Embedding


class GalleryEmbedding(Given):
    """An embedding one knows."""

    #: One's own name for it.
    id: Annotated[str, Field(min_length=1, max_length=200)]
    embedding: _Embedding


class MatchFaceBody(HeldAgainst):
    """An embedding, and those it is looked for among."""

    query_embedding: _Embedding
    gallery_embeddings: Annotated[
        list[GalleryEmbedding], Field(min_length=1, max_length=MOST_GALLERY)
    ]
    #: Most that are told; all when not sent.
    max_results: Annotated[int, Field(ge=1, le=MOST_GALLERY)] | None = None


def compared(body: CompareFacesBody, catalogue: Catalogue) -> ComparedEmbeddings:
    """Two embeddings against a threshold.

    Raises:
        ApiError: they can't be compared, or there is no such threshold.
    """
    held = _held_against(body, catalogue)
    similarity = _cosine(body.embedding1, body.embedding2, field="embedding2")
    return ComparedEmbeddings(
        **held.model_dump(), similarity=similarity, is_match=similarity >= held.threshold
    )


def matched(body: MatchFaceBody, catalogue: Catalogue) -> MatchedGallery:
    """A gallery by falling similarity to an embedding.

    Raises:
        ApiError: as `compared` does.
    """
    held = _held_against(body, catalogue)
    found = [
        (
            _cosine(body.query_embedding, one.embedding, field=f"gallery_embeddings.{number}"),
            one.id,
        )
        for number, one in enumerate(body.gallery_embeddings)
    ]
    # Of equals the first in the gallery: sorting leaves their order alone.
    found.sort(key=lambda pair: -pair[0])
    matches = tuple(
        GalleryMatch(identity_id=name, similarity=similarity, is_match=similarity >= held.threshold)
        for similarity, name in found[: body.max_results]
    )
    return MatchedGallery(**held.model_dump(), matches=matches)


def _held_against(body: HeldAgainst, catalogue: Catalogue) -> EmbeddingsAnswer:
    """The threshold that a request means, with all that were measured.

    Raises:
        ApiError: unknown_model, or nothing was measured at that rate.
    """
    model, measured = _measured(body.model, catalogue)
    points = sorted(measured.points, key=lambda one: -one.far) if measured else []
    threshold, far = body.threshold, None
    if threshold is None:
        far = body.far or _USUAL_FAR
        same = [one for one in points if math.isclose(one.far, far, rel_tol=_SAME_RATE)]
        if not same:
            rates = ", ".join(f"{one.far:g}" for one in points) or "none"
            detail = f"far: no threshold of {model} was measured at that rate. Measured: {rates}."
            raise ApiError("validation_error", detail, field="far")
        threshold = same[0].similarity
    return EmbeddingsAnswer(
        model=model,
        threshold=threshold,
        far=far,
        thresholds=tuple(
            MeasuredAnswer(far=one.far, similarity=one.similarity, tar=one.tar) for one in points
        ),
        origin=measured.origin if measured else None,
    )


def _measured(name: str | None, catalogue: Catalogue) -> tuple[str, VerificationThresholds | None]:
    if name == ENSEMBLE:
        detail = "model: an ensemble's thresholds depend on its members. Send `threshold`."
        raise ApiError("validation_error", detail, field="model")
    try:
        known = (
            catalogue.for_task("recognition").id
            if name is None
            else candidates(name, ("recognition",), catalogue)[0]
        )
    except UnknownModel as error:
        raise ApiError("unknown_model", str(error), field="model") from None
    return known, catalogue.thresholds.get(known)


def _cosine(first: list[float], second: list[float], *, field: str) -> float:
    try:
        return cosine(first, second)
    except WrongEmbedding as error:
        raise ApiError("validation_error", f"{field}: {error}", field=field) from None
