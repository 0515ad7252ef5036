"""The logins of this user at gateways: a file only the user can read.

The refresh token in it is used once and replaced; a lock keeps two commands from using one at once.
"""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock
from platformdirs import user_config_path

from cli.errors import CliError
from cli.launcher.run_files import read_run_file, write_private
from client import AuthenticationFailed, Client

#: An access token that ends sooner is replaced before it is used.
LEAST_SECONDS = 60
_LOCK_SECONDS = 30


class LoginEnded(CliError):
    """The login has ended. Run `facesocial login` again."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredLogin:
    """A login at one gateway."""

    access_token: str = field(repr=False)
    #: Seconds since 1970.
    access_until: float
    refresh_token: str = field(repr=False)


def login_of_answer(answer: dict[str, Any], *, now: float) -> StoredLogin:
    """The login that `/auth/login` or `/auth/refresh` answered at that time."""
    return StoredLogin(
        access_token=answer["access_token"],
        access_until=now + answer["expires_in"],
        refresh_token=answer["refresh_token"],
    )


class StoredLogins:
    """What is in the file.

    Args:
        path: The file; in the user's folder for configuration when not given.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path or user_config_path("facesocial") / "logins.json"

    def read(self, url: str) -> StoredLogin | None:
        """The login at a gateway."""
        found = read_run_file(self._path).get(_name(url))
        return StoredLogin(**found) if found else None

    def keep(self, url: str, login: StoredLogin) -> None:
        """Keep a login, instead of the one there was."""
        with self._locked():
            self._write(url, login)

    def forget(self, url: str) -> None:
        """Keep no login at a gateway."""
        with self._locked():
            self._write(url, None)

    def access_token(self, url: str, client: Client) -> str | None:
        """A token that is good for a while; None without a login.

        Args:
            url: The gateway's.
            client: Of that gateway, without a credential.

        Raises:
            LoginEnded: the gateway does not continue the login; it is forgotten.
            ClientError: the gateway does not answer, or not as it should.
        """
        login = self.read(url)
        if login is None:
            return None
        if _is_good(login):
            return login.access_token
        with self._locked():
            # Another command may have been faster.
            login = self.read(url)
            if login is None:
                return None
            if _is_good(login):
                return login.access_token
            body = {"refresh_token": login.refresh_token}
            try:
                answer = client.call("POST", "/api/v1/auth/refresh", json=body)
            except AuthenticationFailed:
                self._write(url, None)
                raise LoginEnded from None
            login = login_of_answer(answer, now=time.time())
            self._write(url, login)
        return login.access_token

    def _write(self, url: str, login: StoredLogin | None) -> None:
        known = read_run_file(self._path)
        known.pop(_name(url), None)
        if login is not None:
            known[_name(url)] = asdict(login)
        write_private(self._path, json.dumps(known, indent=2) + "\n")

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with FileLock(self._path.with_suffix(".lock"), timeout=_LOCK_SECONDS):
            yield


def _is_good(login: StoredLogin) -> bool:
    return time.time() + LEAST_SECONDS < login.access_until


def _name(url: str) -> str:
    return url.rstrip("/")
