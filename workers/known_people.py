"""Known people in a worker process: their stores, the index of them, and who names faces."""

import os
import secrets
import socket
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass

from models.spec import VerificationThresholds
from workers.blobs.obstore_store import IDENTITY_PREFIX, open_blobs
from workers.blobs.store import BlobStore
from workers.connections.client import connect
from workers.errors import SettingsError
from workers.identities.enroller import Enroller
from workers.identities.forgetting import Forgetting
from workers.identities.identifier import Identifier
from workers.identities.index.opening import open_local_searcher
from workers.identities.kept_images import KeptImages
from workers.identities.opening import Identities, open_identities
from workers.identities.reembed_photos import ReembeddedPhotos
from workers.identities.reembed_work import ReembedWork, Turns
from workers.identities.search import FaceSearcher
from workers.identities.vaults import open_seals
from workers.jobs.store import JobStore
from workers.photos.attempts import Ends
from workers.photos.photo import PhotoPipeline
from workers.settings.process import Settings

DAY_SECONDS = 86_400


@dataclass(frozen=True, kw_only=True, slots=True)
class KnownPeople:
    """What knows people in this process."""

    identities: Identities
    searcher: FaceSearcher
    namer: Identifier
    #: Kept photos, and snapshots of indexes.
    blobs: BlobStore
    images: KeptImages
    forgetting: Forgetting
    #: Thresholds measured for recognition models, by id.
    presets: Mapping[str, VerificationThresholds]

    def enroller(self, pipeline: PhotoPipeline) -> Enroller:
        """What adds faces to collections.

        Args:
            pipeline: Finds, measures and embeds them.
        """
        return Enroller(self.identities, self.searcher, pipeline, self.images, self.presets)

    def reembedding(
        self, pipeline: PhotoPipeline, jobs: JobStore, turns: Turns, ends: Ends = ()
    ) -> ReembedWork:
        """What changes the model of collections.

        Args:
            pipeline: Finds faces again, and embeds them.
            jobs: Whether a job's end was asked for.
            turns: How long one lasts.
            ends: Errors that end a whole job, such as a time limit's.
        """
        photos = ReembeddedPhotos(pipeline, self.images, self.identities.persons, ends)
        return ReembedWork(self.identities, photos, jobs, turns)


def open_known_people(
    settings: Settings, presets: Mapping[str, VerificationThresholds], opened: ExitStack
) -> KnownPeople:
    """Connect, and begin to follow what changes.

    Args:
        settings: Where everything is.
        presets: Thresholds measured for recognition models, by id.
        opened: Gives everything back.

    Raises:
        WorkersError: the blob store or the key vault can't be opened, or the engine that is set is
            not installed.
    """
    client = connect(settings, role="worker", is_binary=True)
    opened.callback(client.close)
    seals = open_seals(settings.identity_keys_location)
    identities = open_identities(client, settings, seals)
    blobs = open_blobs(settings.blob_location, prefix=IDENTITY_PREFIX)
    searcher = _open_searcher(settings, identities, blobs, opened)
    return KnownPeople(
        identities=identities,
        searcher=searcher,
        namer=Identifier(identities, searcher, presets),
        blobs=blobs,
        images=KeptImages(blobs, identities.forgetting),
        forgetting=Forgetting(
            identities,
            blobs,
            certificates_kept_seconds=settings.identity_certificates_kept_days * DAY_SECONDS,
        ),
        presets=presets,
    )


def _open_searcher(
    settings: Settings, identities: Identities, blobs: BlobStore, opened: ExitStack
) -> FaceSearcher:
    if settings.identity_engine_url is None:
        return open_local_searcher(
            identities,
            settings,
            blobs=blobs,
            # Containers may have one host name, and their processes the same numbers.
            process=f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}",
            opened=opened,
        )
    try:
        from workers.identities.engine.opening import open_engine_searcher  # noqa: PLC0415 - extra
    except ModuleNotFoundError as error:
        raise SettingsError(
            f"FACESOCIAL_IDENTITY_ENGINE_URL is set, but {error.name} is not installed: install "
            "the extra `pgvector`."
        ) from error
    return open_engine_searcher(
        identities,
        settings.identity_engine_url.get_secret_value(),
        exact_faces=settings.identity_exact_faces,
        opened=opened,
    )
