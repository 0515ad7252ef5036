"""Logging in, and what takes the own password or a code again."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import structlog

from api.accounts import mail_texts
from api.accounts.errors import (
    AttemptsDelayed,
    HashingBusy,
    LoginFailed,
    PasswordWrong,
    SecondFactorActive,
    SecondFactorNeeded,
    SecondFactorWrong,
    UserNotFound,
    UserSuspended,
)
from api.accounts.lockout import Lockout, MustWait
from api.accounts.mail import Postbox
from api.accounts.password_rules import check_password
from api.accounts.passwords import Passwords
from api.accounts.sessions import Begun, SessionStore
from api.accounts.totp import SecondFactor
from api.accounts.users import User, UserStore
from workers.errors import StoreUnavailable

_log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True, slots=True)
class LoginAttempt:
    """What somebody sent to log in."""

    email: str = field(repr=False)
    password: str = field(repr=False)
    mfa_code: str | None = field(repr=False, default=None)
    backup_code: str | None = field(repr=False, default=None)
    remembered: bool = False
    #: What the client calls itself.
    device: str = ""
    #: Where it comes from.
    address: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Logins:
    """What people prove. Every method may raise StoreUnavailable."""

    users: UserStore
    sessions: SessionStore
    lockout: Lockout
    passwords: Passwords
    factor: SecondFactor
    postbox: Postbox

    def log_in(self, attempt: LoginAttempt) -> Begun:
        """Begin a session.

        It takes as long, and answers the same, whether nobody has the address or the password is
        wrong. That an account is suspended or has a second factor is told to those only who know
        its password.

        Raises:
            AttemptsDelayed: too many failed lately; nothing was checked.
            LoginFailed: the address or the password is wrong.
            SecondFactorNeeded: no code was sent.
            SecondFactorWrong: the code is wrong.
            UserSuspended: the account is closed.
            HashingBusy: too many log in at once.
        """
        left = self._may_try(attempt.email, attempt.address)
        user = self.users.by_email(attempt.email)
        known = user.password if user else None
        if not self._verify(known, attempt.password, attempt.email, attempt.address):
            raise LoginFailed(user_id=user.id if user else "", attempts_remaining=left)
        assert user is not None  # noqa: S101 - without a user no password is right
        if user.status != "active":
            raise UserSuspended
        self._check_second_factor(user, attempt, left)
        begun = self.sessions.begin(
            user, remembered=attempt.remembered, device=attempt.device, address=attempt.address
        )
        if begun is None:
            # Suspended at this moment, or the password was changed: it is wrong then.
            raise LoginFailed(user_id=user.id, attempts_remaining=left)
        self.lockout.succeeded(attempt.email, attempt.address)
        if self.passwords.is_outdated(user.password):
            self._rehash(user, attempt.password)
        return begun

    def _rehash(self, user: User, password: str) -> None:
        """Hash a password anew by today's rules; where that can't be done now, at another login."""
        try:
            self.users.rehash(user.id, self.passwords.hash(password), before=user.password)
        except (HashingBusy, StoreUnavailable) as error:
            _log.warning("accounts.not_rehashed", user_id=user.id, error=str(error))

    def _check_second_factor(self, user: User, attempt: LoginAttempt, left: int) -> None:
        if not user.mfa_secret:
            return
        if attempt.mfa_code is None and attempt.backup_code is None:
            # This was no guess. Failures before it stay: it would otherwise give who knows the
            # password as many guesses of the code as wanted.
            self.lockout.withdraw(attempt.email, attempt.address)
            raise SecondFactorNeeded(user_id=user.id)
        if not self.factor.accepts(user, code=attempt.mfa_code, backup_code=attempt.backup_code):
            raise SecondFactorWrong(user_id=user.id, attempts_remaining=left)

    def confirm_password(self, user: User, password: str, *, address: str) -> None:
        """Insist on the password of somebody who is logged in: a token may be in others' hands.

        Raises:
            AttemptsDelayed: too many failed lately; nothing was checked.
            PasswordWrong: it is another.
            HashingBusy: too many passwords are being checked.
        """
        self._may_try(user.email, address)
        if not self._verify(user.password, password, user.email, address):
            raise PasswordWrong
        self.lockout.succeeded(user.email, address)

    def change_password(
        self, user: User, *, current: str, new: str, address: str, session_id: str
    ) -> None:
        """Replace a password; all other sessions end.

        Raises:
            WeakPassword: the new one breaks a rule.
            PasswordWrong: the current one is another, or was changed at this moment.
            AttemptsDelayed: too many failed lately.
            HashingBusy: too many passwords are being checked.
        """
        check_password(new, email=user.email)
        self.confirm_password(user, current, address=address)
        outcome = self.users.set_password(
            user.id, self.passwords.hash(new), before=user.password, spared_session=session_id
        )
        if outcome == "missing":
            raise UserNotFound
        if outcome == "stale":
            raise PasswordWrong
        self.postbox.post_if_open(mail_texts.password_changed(user))

    def begin_mfa(self, user: User, password: str, *, address: str) -> str:
        """Make a second factor that has yet to be proven; its `otpauth` address.

        Raises:
            SecondFactorActive: there is one already.
            PasswordWrong, AttemptsDelayed, HashingBusy: see `confirm_password`.
        """
        self.confirm_password(user, password, address=address)
        uri = self.factor.begin(user)
        if uri is None:
            raise SecondFactorActive
        return uri

    def activate_mfa(self, user: User, code: str, *, address: str) -> Sequence[str]:
        """Put it in force; backup codes.

        Raises:
            SecondFactorActive: one is in force already.
            SecondFactorWrong: the code is wrong, or `begin_mfa` was not called.
            AttemptsDelayed: too many failed lately.
        """
        if user.mfa_secret:
            raise SecondFactorActive
        left = self._may_try(user.email, address)
        codes = self.factor.activate(user, code)
        if codes is None:
            raise SecondFactorWrong(user_id=user.id, attempts_remaining=left)
        self.lockout.succeeded(user.email, address)
        return codes

    def _verify(self, stored: str | None, password: str, email: str, address: str) -> bool:
        try:
            return self.passwords.verify(stored, password)
        except HashingBusy:
            self.lockout.withdraw(email, address)  # nothing was guessed
            raise

    def _may_try(self, email: str, address: str) -> int:
        """Attempts that are left after this one, which counts as failed until it succeeds."""
        found = self.lockout.begin(email, address)
        if isinstance(found, MustWait):
            raise AttemptsDelayed(seconds=found.seconds)
        return found.attempts_remaining
