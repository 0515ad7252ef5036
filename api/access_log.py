"""One line for each request: what it was, how it ended, how long it took. Never what was in it."""

import time
from collections.abc import Iterable, Iterator

import structlog
from flask import Response, g, request

from api.services import services

_log = structlog.get_logger()


def log_request(response: Response) -> Response:
    """Have the request logged when its answer has been sent; hooked in after every request.

    The route is logged as it is declared, without the ids in it; of the query nothing is.
    """
    settings = services().settings
    if not settings.access_log:
        return response
    fields = {
        "method": request.method,
        "route": request.url_rule.rule if request.url_rule else None,
        "status": response.status_code,
        "credential": _credential(),
        "request_id": g.request_id,
        "received_bytes": request.content_length or 0,
    }
    started_ns: int = g.started_ns
    sent: Sent | None = None
    if response.is_streamed and not response.direct_passthrough:
        sent = Sent(response.response)
        response.response = sent

    @response.call_on_close
    def _log_it() -> None:
        milliseconds = (time.perf_counter_ns() - started_ns) / 1e6
        sent_bytes = sent.size_bytes if sent else response.content_length or 0
        _log.info("http.request", **fields, sent_bytes=sent_bytes, ms=round(milliseconds, 1))

    return response


class Sent:
    """Counts what passes.

    Args:
        parts: Of a body, in order.
    """

    def __init__(self, parts: Iterable[str] | Iterable[bytes]) -> None:
        self._parts = parts
        self.size_bytes = 0

    def __iter__(self) -> Iterator[bytes]:
        """The same parts."""
        for part in self._parts:
            data = part.encode() if isinstance(part, str) else part
            self.size_bytes += len(data)
            yield data

    def close(self) -> None:
        """End what makes them."""
        close = getattr(self._parts, "close", None)
        if close is not None:
            close()


def _credential() -> str | None:
    """Id of the key or session; of a request that was refused before, none."""
    caller = g.get("principal")
    return (caller.credential_id or caller.kind) if caller else None
