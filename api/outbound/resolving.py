"""Names to addresses, asked once a request and within its time."""

import socket
import sys
import threading
from collections.abc import Callable, Sequence
from typing import Any

from api.offload import Threads
from api.outbound.errors import UrlUnreachable

#: Host and port to addresses, none when there are none, in at most so many seconds.
Resolve = Callable[[str, int, float], Sequence[str]]

#: Look-ups under way at a time in this process. The system's resolver can't be interrupted: one
#: that hangs goes on in its thread after its request has given up.
MAX_LOOKUPS = 32
_lookups = threading.BoundedSemaphore(MAX_LOOKUPS)
#: Of their own: names whose servers never answer would hold up every call that is offloaded.
_threads = Threads(MAX_LOOKUPS)


def _ask_system(host: str, port: int, **options: Any) -> Sequence[tuple[Any, ...]]:  # noqa: ANN401 - the resolver's own
    # gevent's own would go to the threads of `offload`.
    monkey = sys.modules.get("gevent.monkey")
    ask: Any = monkey.get_original("socket", "getaddrinfo") if monkey else socket.getaddrinfo
    found: Sequence[tuple[Any, ...]] = _threads.offload(ask, host, port, **options)
    return found


def resolve_host(
    host: str,
    port: int,
    timeout_seconds: float,
    *,
    ask: Callable[..., Sequence[tuple[Any, ...]]] = _ask_system,
) -> Sequence[str]:
    """The addresses of a host by the system's resolver, in its order; none when it knows none.

    Args:
        host: A name or an address.
        port: Handed on to the resolver.
        timeout_seconds: Longest wait.
        ask: The resolver.

    Raises:
        UrlUnreachable: it did not answer in time.
    """
    found: list[str] = []
    done = threading.Event()

    def look_up() -> None:
        try:
            answers = ask(host, port, type=socket.SOCK_STREAM)
            found.extend(dict.fromkeys(str(answer[4][0]) for answer in answers))
        except (OSError, UnicodeError):
            pass  # a host without addresses
        finally:
            _lookups.release()
            done.set()

    if not _lookups.acquire(timeout=timeout_seconds):
        raise UrlUnreachable("Too many names are being looked up. Try again.")
    threading.Thread(target=look_up, name="look-up", daemon=True).start()
    if not done.wait(timeout_seconds):
        raise UrlUnreachable("The URL's host was not found in time.")
    return tuple(found)
