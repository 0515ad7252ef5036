"""Errors of accounts and credentials; `api.errors` maps them to answers.

AccountsError
├── CredentialRefused      the caller is not known by what it sent: 401
│   ├── CredentialMissing  nothing was sent
│   ├── CredentialInvalid  malformed, unknown, revoked, or not for this gateway
│   └── CredentialExpired  it was good once
├── ScopeMissing           the caller is known and may not do this: 403
├── UserSuspended          an administrator has closed the account: 403
├── KeyNotFound            no such API key of this user
├── KeyEnded               the API key is revoked or expired and can't be changed
├── TooManyKeys            the user has as many API keys as one may have
├── LoginFailed            the address or the password is wrong
├── SecondFactorNeeded     the password is right; a code is needed too
├── SecondFactorWrong      the password is right; the code is not
├── SecondFactorActive     there is a second factor already
├── AttemptsDelayed        too many attempts failed lately
├── PasswordWrong          the caller is logged in and gave another password than the own
├── HashingBusy            too many passwords are being checked
├── RegistrationClosed     people can't make accounts themselves here
├── MailDisabled           what was asked for takes a mail, and none is sent here
├── OneTimeTokenInvalid    used, expired, replaced by a newer one, or never given out
├── UserNotFound           no such user
├── SessionNotFound        no such login of this user
└── LastAdmin              nobody else could administer the accounts
"""


class AccountsError(Exception):
    """A request can't be served for the sake of who asks."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or self.__doc__)


class CredentialRefused(AccountsError):
    """The credential is not accepted."""

    def __init__(self, message: str | None = None, *, credential_id: str = "") -> None:
        super().__init__(message)
        #: Of a key or session that is ours, and good no more; "" for anything else.
        self.credential_id = credential_id


class CredentialMissing(CredentialRefused):
    """Send `Authorization: Bearer …` or `X-API-Key`."""


class CredentialInvalid(CredentialRefused):
    """The credential is malformed, unknown or revoked. Log in again, or use another key."""


class CredentialExpired(CredentialRefused):
    """The credential has expired. Refresh the token, or use another key."""


class ScopeMissing(AccountsError):
    """The credential does not hold the right that this address takes."""

    def __init__(self, scope: str) -> None:
        super().__init__(f"This takes the right {scope}, which the credential does not hold.")
        self.scope = scope


class UserSuspended(AccountsError):
    """The account is suspended. Ask an administrator."""


class KeyNotFound(AccountsError):
    """There is no such API key."""


class KeyEnded(AccountsError):
    """The API key is revoked or has expired. Make a new one."""


class TooManyKeys(AccountsError):
    """The account has as many API keys as it may have. Revoke one first."""


class LoginFailed(AccountsError):
    """The e-mail address or the password is wrong."""

    def __init__(self, *, user_id: str, attempts_remaining: int) -> None:
        super().__init__()
        #: "" where nobody has the address. For the audit log; no answer may tell it.
        self.user_id = user_id
        self.attempts_remaining = attempts_remaining


class SecondFactorNeeded(AccountsError):
    """Send `mfa_code` with a code of your authenticator app too, or a `backup_code`."""

    def __init__(self, *, user_id: str) -> None:
        super().__init__()
        self.user_id = user_id


class SecondFactorWrong(AccountsError):
    """The code is wrong, or was used before. A new one comes every 30 seconds."""

    def __init__(self, *, user_id: str, attempts_remaining: int) -> None:
        super().__init__()
        self.user_id = user_id
        self.attempts_remaining = attempts_remaining


class SecondFactorActive(AccountsError):
    """There is a second factor already. Disable it first."""


class AttemptsDelayed(AccountsError):
    """Too many attempts failed lately."""

    def __init__(self, *, seconds: float) -> None:
        super().__init__(f"Too many attempts failed. Try again in {seconds:.0f} s.")
        self.seconds = seconds


class PasswordWrong(AccountsError):
    """That is not your password."""


class HashingBusy(AccountsError):
    """Too many passwords are being checked at this moment. Try again."""


class RegistrationClosed(AccountsError):
    """Accounts are made by whoever runs this server, not by registration."""


class MailDisabled(AccountsError):
    """This takes a mail, and this server sends none. Ask whoever runs it."""


class OneTimeTokenInvalid(AccountsError):
    """The token was used, has expired or was replaced by a newer one. Ask for another."""


class UserNotFound(AccountsError):
    """There is no such user."""


class SessionNotFound(AccountsError):
    """You have no such login."""


class LastAdmin(AccountsError):
    """Nobody else is an active administrator. Make somebody one first."""
