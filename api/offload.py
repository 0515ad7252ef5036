"""Calls that would hold up the whole process where requests share one thread."""

import sys
from collections.abc import Callable, Iterator
from typing import Any, ParamSpec, TypeVar, cast

from workers.blobs.store import BlobStore, Content
from workers.identities.vault import KeyVault

P = ParamSpec("P")
R = TypeVar("R")

#: Calls of the blob store, or of the key vault, at a time under gevent.
BLOB_CALLS = 16


def offload(call: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run a call that computes long or blocks in foreign code; its answer or its error.

    Under gevent all requests share one thread: the call goes to the hub's thread pool and only this
    request waits. Without gevent every request has its own thread, and the call is made here.
    """
    if (gevent := _running_gevent()) is None:
        return call(*args, **kwargs)
    return _in_pool(gevent.get_hub().threadpool, call, args, kwargs)


class Threads:
    """Threads for calls that may hang: however many do, they take none from `offload`.

    Args:
        most: Calls at a time under gevent; further ones wait.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._pool: Any = None

    def offload(self, call: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """See the function of that name."""
        if (gevent := _running_gevent()) is None:
            return call(*args, **kwargs)
        if self._pool is None:
            self._pool = gevent.get_hub().threadpool_class(self._most)
        return _in_pool(self._pool, call, args, kwargs)


def give_way() -> None:
    """Let other requests go on, in the middle of work that goes on for long without a wait."""
    if (gevent := _running_gevent()) is not None:
        gevent.sleep(0)


def _running_gevent() -> Any:  # noqa: ANN401 - gevent ships no types
    """gevent, where all requests share one thread."""
    gevent, monkey = sys.modules.get("gevent"), sys.modules.get("gevent.monkey")
    shares = monkey is not None and monkey.is_module_patched("threading")
    return gevent if shares else None


def _in_pool(
    pool: Any,  # noqa: ANN401 - gevent ships no types
    call: Callable[..., R],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> R:
    # The pool tells every error that reaches it on standard error, also one that is expected.
    answer: R | Exception
    answer, is_error = pool.apply(_settled, (call, args, kwargs))
    if is_error and isinstance(answer, Exception):
        raise answer
    return cast("R", answer)


def _settled(
    call: Callable[..., R], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[R | Exception, bool]:
    """What a call answers, or the error it raises; and which of both it is."""
    try:
        return call(*args, **kwargs), False
    except Exception as error:  # noqa: BLE001 - raised again where it is waited for
        return error, True


class OffloadedBlobs:
    """A BlobStore that holds up nobody but its caller; one that hangs, only callers of its own."""

    def __init__(self, blobs: BlobStore) -> None:
        self._blobs = blobs
        self._threads = Threads(BLOB_CALLS)

    def put(self, key: str, content: Content) -> None:
        """See BlobStore."""
        self._threads.offload(self._blobs.put, key, content)

    def get(self, key: str) -> bytes:
        """See BlobStore."""
        return self._threads.offload(self._blobs.get, key)

    def part(self, key: str, *, first: int, size_bytes: int) -> bytes:
        """See BlobStore."""
        return self._threads.offload(self._blobs.part, key, first=first, size_bytes=size_bytes)

    def delete(self, key: str) -> None:
        """See BlobStore."""
        self._threads.offload(self._blobs.delete, key)

    def older_than(self, age_seconds: float) -> Iterator[str]:
        """See BlobStore; the list is read as a whole."""
        return iter(self._threads.offload(lambda: list(self._blobs.older_than(age_seconds))))


class OffloadedVault:
    """A KeyVault that holds up nobody but its caller."""

    def __init__(self, vault: KeyVault) -> None:
        self._vault = vault
        self._threads = Threads(BLOB_CALLS)

    def read(self, uid: str) -> bytes | None:
        """See KeyVault."""
        return self._threads.offload(self._vault.read, uid)

    def swap(self, uid: str, *, old: bytes | None, new: bytes) -> bool:
        """See KeyVault."""
        return self._threads.offload(self._vault.swap, uid, old=old, new=new)
