"""Jobs that name embeddings a client has."""

from collections.abc import Callable

import numpy as np

from models.results import Embedding, EmbeddingModel
from workers.blobs.store import BlobStore
from workers.contract import IdentifyOptions
from workers.identities.answers import SearchAnswer
from workers.jobs.options import SearchOptions
from workers.jobs.store import Claim
from workers.naming import Named, Namer, NamingOrder, SeenFace

#: How the blob holds the embeddings.
_SENT = np.dtype("<f4")


class SearchWork:
    """See workers.work.Work; a job's blob is its embeddings, one after another."""

    def __init__(self, namer: Namer, blobs: BlobStore) -> None:
        self._namer = namer
        self._blobs = blobs

    def run(self, claim: Claim, *, is_wanted: Callable[[], bool]) -> SearchAnswer | None:
        """See Work."""
        options = claim.job.options
        assert isinstance(options, SearchOptions)  # noqa: S101 - the runner's mapping
        [key] = claim.job.blob_keys
        content = self._blobs.get(key)
        if not is_wanted():
            return None
        [found] = self._namer.name([_order(options, content, cause=claim.job.id)])
        if not isinstance(found, Named):
            raise found
        return SearchAnswer(identification=found.whole, identities=tuple(found.faces))


def _order(options: SearchOptions, content: bytes, *, cause: str) -> NamingOrder:
    model = EmbeddingModel(
        id=options.model,
        sha256=options.sha256,
        preprocessing_version=options.preprocessing_version,
    )
    rows = np.frombuffer(content, _SENT).reshape(-1, options.dimensions).astype(np.float32)
    return NamingOrder(
        options=IdentifyOptions(
            collection=options.collection,
            collection_id=options.collection_id,
            candidates=options.candidates,
            fpir=options.fpir,
            threshold=options.threshold,
            by=options.by,
            credential_id=options.credential_id,
        ),
        faces=[SeenFace(embedding=Embedding(vector=row, model=model)) for row in rows],
        cause=cause,
    )
