"""Files from web servers: mirrors in order, retries with growing pauses, resumed transfers.

It ends: only more bytes than ever before buy further attempts, and a file has a deadline.
"""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx

from models.errors import SourceUnavailable
from models.spec import UrlSource
from models.weights.progress import Progress

#: Connecting, and each single read, may take this long; the transfer as a whole may take longer.
TIMEOUT = httpx.Timeout(30.0, connect=10.0)
MAX_REDIRECTS = 5
#: Pause before retry n is drawn from half to all of FIRST * 2**n, at most LONGEST.
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
#: One file, all mirrors and pauses together, may take this long.
FILE_SECONDS = 3600.0

#: Answers that another try may change; any other error moves on to the next mirror.
_RETRYABLE = frozenset({408, 425, 429, 500, 502, 503, 504})


class _TryAgain(Exception):
    """This attempt failed and another may not."""


class _GiveUp(Exception):
    """This mirror will not deliver."""


@dataclass(slots=True)
class _Partial:
    """What has come from one mirror so far."""

    path: Path
    #: On the monotonic clock: when this mirror's time is over.
    deadline: float
    #: ETag or date under which the rest may be asked for; None starts over.
    validator: str | None = None

    @property
    def done_bytes(self) -> int:
        return self.path.stat().st_size if self.path.exists() else 0

    def restart(self) -> None:
        self.validator = None
        self.path.unlink(missing_ok=True)


class UrlFetcher:
    """Downloads over http or https."""

    def __init__(
        self,
        *,
        attempts: int = 5,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float] = random.random,
        file_seconds: float = FILE_SECONDS,
    ) -> None:
        """Set up the retries.

        Args:
            attempts: Tries per mirror; they count anew when one got further than all before.
            sleep: Waits a number of seconds.
            jitter: A number from 0 to 1, so that many clients do not come back at once.
            file_seconds: Longest time for a file, over all mirrors and attempts.
        """
        self._attempts = attempts
        self._sleep = sleep
        self._jitter = jitter
        self._file_seconds = file_seconds

    def fetch(self, source: UrlSource, folder: Path, limit_bytes: int, progress: Progress) -> Path:
        """Download from the first mirror that delivers a whole file."""
        reasons = []
        # The header keeps servers from compressing, which would make offsets meaningless.
        with httpx.Client(
            timeout=TIMEOUT,
            follow_redirects=True,
            max_redirects=MAX_REDIRECTS,
            headers={"Accept-Encoding": "identity"},
        ) as client:
            deadline = time.monotonic() + self._file_seconds
            for number, url in enumerate(source.urls):
                # An equal share of what is left, so that a slow mirror leaves time to the others.
                left = deadline - time.monotonic()
                share = left / (len(source.urls) - number)
                partial = _Partial(folder / f"mirror-{number}", time.monotonic() + share)
                try:
                    self._from_mirror(client, url, partial, limit_bytes, progress)
                except _GiveUp as error:
                    reasons.append(f"{url}: {error}")
                    partial.restart()
                else:
                    return partial.path
        raise SourceUnavailable("; ".join(reasons))

    def _from_mirror(
        self,
        client: httpx.Client,
        url: str,
        partial: _Partial,
        limit_bytes: int,
        progress: Progress,
    ) -> None:
        if not url.startswith(("https://", "http://")):
            raise _GiveUp("only http and https are fetched")
        failures = 0
        best_bytes = 0
        while True:
            try:
                _attempt(client, url, partial, limit_bytes, progress)
            except _TryAgain as error:
                # Not more than before this attempt: without a validator each starts from nothing.
                failures = 1 if partial.done_bytes > best_bytes else failures + 1
                best_bytes = max(best_bytes, partial.done_bytes)
                if failures >= self._attempts:
                    raise _GiveUp(f"{error} (after {failures} attempts)") from error
                self._sleep(self._pause_seconds(failures - 1))
            else:
                return

    def _pause_seconds(self, retry: int) -> float:
        longest = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2.0**retry)
        return longest * (0.5 + 0.5 * self._jitter())


def _attempt(
    client: httpx.Client, url: str, partial: _Partial, limit_bytes: int, progress: Progress
) -> None:
    _check_time(partial)
    headers = {}
    if partial.validator is None:
        partial.restart()
    elif partial.done_bytes:
        headers = {"Range": f"bytes={partial.done_bytes}-", "If-Range": partial.validator}
    try:
        with client.stream("GET", url, headers=headers) as response:
            _check_status(response, partial)
            _receive(response, partial, limit_bytes, progress)
    except (httpx.TooManyRedirects, httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
        raise _GiveUp(str(error)) from error
    except httpx.HTTPError as error:
        raise _TryAgain(str(error) or type(error).__name__) from error


def _check_time(partial: _Partial) -> None:
    if time.monotonic() > partial.deadline:
        raise _GiveUp(f"took too long: {partial.done_bytes} bytes came in time")


def _check_status(response: httpx.Response, partial: _Partial) -> None:
    status = response.status_code
    if status == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE and partial.done_bytes:
        partial.restart()
        raise _TryAgain("the server refused to resume")
    if status in _RETRYABLE:
        raise _TryAgain(f"the server answered {status}")
    if status not in {httpx.codes.OK, httpx.codes.PARTIAL_CONTENT}:
        raise _GiveUp(f"the server answered {status}")
    if status == httpx.codes.PARTIAL_CONTENT:
        content_range = response.headers.get("Content-Range", "")
        if not content_range.startswith(f"bytes {partial.done_bytes}-"):
            partial.restart()
            raise _TryAgain("the server sent another range than asked for")


def _receive(
    response: httpx.Response, partial: _Partial, limit_bytes: int, progress: Progress
) -> None:
    if response.status_code == httpx.codes.OK:
        partial.restart()
    done = partial.done_bytes
    if int(response.headers.get("Content-Length", 0)) + done > limit_bytes:
        raise _GiveUp(f"larger than {limit_bytes} bytes")
    partial.validator = _validator(response)
    with partial.path.open("ab") as output:
        # In pieces as they come: collecting larger ones would lose the last when the line breaks.
        for chunk in response.iter_raw():
            _check_time(partial)
            done += len(chunk)
            if done > limit_bytes:
                raise _GiveUp(f"larger than {limit_bytes} bytes")
            output.write(chunk)
            progress.update(done)


def _validator(response: httpx.Response) -> str | None:
    """What If-Range accepts: a strong ETag, else a date."""
    etag = response.headers.get("ETag")
    if etag is not None:
        return None if etag.startswith("W/") else str(etag)
    date = response.headers.get("Last-Modified")
    return None if date is None else str(date)
