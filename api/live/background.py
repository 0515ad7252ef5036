"""Work beside the thread that reads: under gevent as cheap as a call."""

import contextvars
import threading
from collections.abc import Callable


def start(work: Callable[[], None], *, name: str) -> None:
    """Run something beside the caller, with what its logs know of the request."""
    context = contextvars.copy_context()
    threading.Thread(target=context.run, args=(work,), name=name, daemon=True).start()
