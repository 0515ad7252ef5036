"""The searcher of a worker process, with the threads that keep it up to date."""

from contextlib import ExitStack

from workers.blobs.store import BlobStore
from workers.identities.index.keeper import FOLLOW_SECONDS, SAVE_SECONDS, Repeater
from workers.identities.index.searcher import LocalSearcher
from workers.identities.index.snapshots import Snapshots
from workers.identities.opening import Identities
from workers.settings.identities import IdentitySettings


def open_local_searcher(
    identities: Identities,
    settings: IdentitySettings,
    *,
    blobs: BlobStore,
    process: str,
    opened: ExitStack,
) -> LocalSearcher:
    """A searcher whose indexes follow the store until the stack is closed.

    To be called in the process that searches: threads don't outlive a fork.

    Args:
        identities: The stores of known people.
        settings: Memory, and from how many faces on codes are used.
        blobs: Where snapshots lie: the store of what outlives jobs.
        process: Name of this process: host and process id.
        opened: Takes what is to be ended.
    """
    snapshots = Snapshots(
        blobs, identities.seals, identities.log, exact_faces=settings.identity_exact_faces
    )
    searcher = LocalSearcher(
        identities.log,
        identities.persons,
        index_mb=settings.identity_index_mb,
        exact_faces=settings.identity_exact_faces,
        process=process,
        snapshots=snapshots,
    )
    opened.callback(searcher.close)
    for name, call, every_seconds in (
        ("index-keeper", searcher.keep, FOLLOW_SECONDS),
        ("index-writer", searcher.save, SAVE_SECONDS),
    ):
        keeper = Repeater(name, call, every_seconds=every_seconds)
        keeper.start()
        opened.callback(keeper.close)
    return searcher
