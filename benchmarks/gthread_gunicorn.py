"""gunicorn's settings with its own threaded worker, to compare with: a thread for each client."""

from api.gunicorn_config import *  # noqa: F403 - the same settings, but for the worker

worker_class = "gthread"  # type: ignore[assignment, misc]  # instead of ours
#: As many as there are clients, waiting ones included, and some more.
threads = 1100


def post_worker_init(_: object) -> None:  # type: ignore[no-redef]  # instead of it
    """Do nothing: that worker has no limits of ours."""
