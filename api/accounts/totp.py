"""The second factor: codes of an authenticator app (RFC 6238), and backup codes."""

import re
import secrets
import time
from collections.abc import Callable, Sequence

import pyotp
import structlog
from pyotp.exceptions import OTPVerificationError

from api.accounts.sealing import Seal, SealBroken
from api.accounts.users import User, UserStore, digest_of

#: Codes of the step before and after are taken: clocks differ, and typing takes time.
WINDOW_STEPS = 1
BACKUP_CODES = 10
#: 80 random bits, so that the digest of one in a stolen store can't be guessed.
_BACKUP_LETTERS = 16
#: Base 32 without 0, 1, 8, 9, as in RFC 4648.
_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
_CODE = re.compile(r"[0-9]{6}")

_log = structlog.get_logger()


class SecondFactor:
    """Codes of users.

    Args:
        users: Where secrets and used codes are kept.
        seal: Closes the secrets.
        issuer: What authenticator apps show beside the address.
        clock: Seconds since 1970; the server's and the phone's clock must agree.
    """

    def __init__(
        self,
        users: UserStore,
        seal: Seal,
        *,
        issuer: str = "FaceSocial",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._users, self._seal, self._issuer, self._clock = users, seal, issuer, clock

    def begin(self, user: User) -> str | None:
        """Make a secret that has yet to be proven; its `otpauth` address for an app.

        Returns:
            None: the user has a second factor already.
        """
        secret = pyotp.random_base32()
        if not self._users.begin_mfa(user.id, self._seal.close(secret)):
            return None
        return pyotp.TOTP(secret).provisioning_uri(name=user.email, issuer_name=self._issuer)

    def activate(self, user: User, code: str) -> Sequence[str] | None:
        """Put the secret in force that a code proves; backup codes, which are shown once.

        Returns:
            None: the code is wrong, or there is no secret to be proven.
        """
        step = self._step(user.mfa_pending, code)
        if step is None:
            return None
        codes = [_backup_code() for _ in range(BACKUP_CODES)]
        is_done = self._users.activate_mfa(
            user.id, user.mfa_pending, step=step, backups=[_backup_digest(one) for one in codes]
        )
        return codes if is_done else None

    def accepts(self, user: User, *, code: str | None, backup_code: str | None) -> bool:
        """Whether a code or a backup code is right. It can't be used again."""
        if code is not None:
            step = self._step(user.mfa_secret, code)
            return step is not None and self._users.use_mfa_step(user.id, step)
        return backup_code is not None and self._users.use_backup(
            user.id, _backup_digest(backup_code)
        )

    def _step(self, sealed: str, code: str) -> int | None:
        """The time step a code is of; None: of none that is near."""
        if not sealed or not _CODE.fullmatch(code):
            return None
        try:
            totp = pyotp.TOTP(self._seal.open(sealed))
        except SealBroken:
            # The gateway's secret was changed. Backup codes still work.
            _log.error("accounts.second_factor_unreadable")
            return None
        try:
            return totp.verify_and_get_timecode(
                code, for_time=self._clock(), valid_window=WINDOW_STEPS
            )
        except OTPVerificationError:
            return None


def _backup_code() -> str:
    letters = "".join(secrets.choice(_ALPHABET) for _ in range(_BACKUP_LETTERS))
    return "-".join(letters[start : start + 4] for start in range(0, _BACKUP_LETTERS, 4))


def _backup_digest(code: str) -> str:
    return digest_of(re.sub(r"[\s-]", "", code).lower())
