"""Whether a process does its work yet."""

from dataclasses import dataclass
from pathlib import Path

import httpx

_TIMEOUT_SECONDS = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class HttpReady:
    """Ready when a GET of the address is answered with 200."""

    url: str

    def __call__(self) -> bool:
        """Ask once, for at most a second."""
        try:
            # A proxy from the environment must not answer for our own loopback.
            response = httpx.get(self.url, timeout=_TIMEOUT_SECONDS, trust_env=False)
        except httpx.HTTPError:
            return False
        return response.status_code == httpx.codes.OK


@dataclass(frozen=True, kw_only=True, slots=True)
class FileThere:
    """Ready when the server has made its file; whoever starts it deletes an old one first."""

    path: Path

    def __call__(self) -> bool:
        """Look once."""
        return self.path.exists()
