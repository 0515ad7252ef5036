"""The searcher of a worker process on PostgreSQL, with the thread that keeps it."""

from contextlib import ExitStack

from workers.identities.engine.searcher import EngineSearcher, open_engine
from workers.identities.index.keeper import FOLLOW_SECONDS, Repeater
from workers.identities.opening import Identities


def open_engine_searcher(
    identities: Identities, url: str, *, exact_faces: int, opened: ExitStack
) -> EngineSearcher:
    """A searcher whose tables follow the store until the stack is closed.

    Args:
        identities: The stores of known people.
        url: `postgresql://...`
        exact_faces: Collections with more are searched through a graph.
        opened: Takes what is to be ended.
    """
    searcher = open_engine(url, identities.log, identities.persons, exact_faces=exact_faces)
    opened.callback(searcher.close)
    keeper = Repeater("engine-keeper", searcher.keep, every_seconds=FOLLOW_SECONDS)
    keeper.start()
    opened.callback(keeper.close)
    return searcher
