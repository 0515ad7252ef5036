"""Password hashes: Argon2id, a few at a time, and as slow for a person nobody knows."""

import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from argon2 import Parameters, PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from api.accounts.errors import HashingBusy
from api.accounts.password_rules import MOST_LETTERS, normal_password
from api.offload import offload


class Passwords:
    """Hashes and checks passwords.

    Args:
        parameters: Of new hashes; those of old ones are in them.
        at_once: Hashes computed at a time in this process: each takes its memory.
        wait_seconds: How long a call waits for its turn.
    """

    def __init__(self, parameters: Parameters, *, at_once: int, wait_seconds: float) -> None:
        self._hasher = PasswordHasher(
            time_cost=parameters.time_cost,
            memory_cost=parameters.memory_cost,
            parallelism=parameters.parallelism,
            hash_len=parameters.hash_len,
            salt_len=parameters.salt_len,
        )
        self._turns = threading.BoundedSemaphore(at_once)
        self._wait_seconds = wait_seconds
        # Nobody's password: checked where there is no user, so that the answer takes as long.
        self._nobodys = ""

    def hash(self, password: str) -> str:
        """A hash that can be stored, with its parameters and salt.

        Raises:
            HashingBusy: too many passwords are being hashed.
        """
        with self._turn():
            return offload(self._hasher.hash, normal_password(password))

    def verify(self, stored: str | None, password: str) -> bool:
        """Whether a password is the one of a hash. Takes as long without a hash.

        Args:
            stored: None: there is no such person.
            password: As it was typed.

        Raises:
            HashingBusy: too many passwords are being hashed.
        """
        if len(password) > MOST_LETTERS:
            # No stored password is that long; the work is done all the same.
            stored, password = None, ""
        with self._turn():
            # Made whoever asks first, so that it doesn't tell of an unknown user.
            self._nobodys = self._nobodys or offload(self._hasher.hash, secrets.token_urlsafe(32))
            matches = offload(self._matches, stored or self._nobodys, normal_password(password))
        return matches and stored is not None

    def _matches(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False

    def is_outdated(self, stored: str) -> bool:
        """Whether a hash has other parameters than new ones get."""
        return self._hasher.check_needs_rehash(stored)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if not self._turns.acquire(timeout=self._wait_seconds):
            raise HashingBusy
        try:
            yield
        finally:
            self._turns.release()
