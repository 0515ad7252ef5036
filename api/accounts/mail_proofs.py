"""Accounts and passwords that are won by reading a mail: registration, verification, reset."""

import secrets
from dataclasses import dataclass

from api.accounts import mail_texts
from api.accounts.errors import MailDisabled, OneTimeTokenInvalid, RegistrationClosed
from api.accounts.mail import Mail, Postbox
from api.accounts.password_rules import check_password
from api.accounts.passwords import Passwords
from api.accounts.users import (
    OnceKind,
    Registration,
    User,
    UserStore,
    Verified,
    digest_of,
    new_user_id,
)

_HOUR_SECONDS = 3600


@dataclass(frozen=True, kw_only=True, slots=True)
class ProofRules:
    """What is allowed here."""

    registration_open: bool
    reset_token_seconds: int
    verification_token_seconds: int
    mails_per_hour: int
    #: Address of the pages that take tokens; "": mails hold the bare token.
    link_base: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class MailProofs:
    """What a mail is proof for. Every method may raise StoreUnavailable."""

    rules: ProofRules
    users: UserStore
    passwords: Passwords
    postbox: Postbox

    def register(self, wanted: Registration) -> None:
        """Send a token to the address; who uses it has the account.

        Nothing tells whether the address has one already: then its owner is told by mail. Until
        the token is used nothing else is stored, so nobody can hold an address that is not theirs.

        Args:
            wanted: With the password as it was typed.

        Raises:
            RegistrationClosed: this server does not allow it.
            MailDisabled: this server sends no mail.
            WeakPassword: the password breaks a rule.
            HashingBusy: too many passwords are being hashed.
        """
        if not self.rules.registration_open:
            raise RegistrationClosed
        self._require_mail()
        check_password(wanted.password, email=wanted.email)
        hashed = self.passwords.hash(wanted.password)
        known = self.users.by_email(wanted.email)
        token = _new_token()
        seconds = self.rules.verification_token_seconds
        # Kept for a moment even where nobody will get the token, so that it takes as long.
        self.users.put_registration(
            digest_of(token),
            Registration(
                email=wanted.email,
                password=hashed,
                name=wanted.name,
                company=wanted.company,
                phone=wanted.phone,
            ),
            ttl_seconds=1 if known else seconds,
        )
        if known:
            mail = mail_texts.known_address(known, link_base=self.rules.link_base)
        else:
            mail = mail_texts.verification(
                wanted.email, token, link_base=self.rules.link_base, hours=_hours(seconds)
            )
        self._post_bounded(mail)

    def ask_to_verify(self, user: User) -> None:
        """Send a token to the address of somebody who is logged in.

        Raises:
            MailDisabled: this server sends no mail.
        """
        self._require_mail()
        seconds = self.rules.verification_token_seconds
        token = self._put_once("verify", user.id, seconds)
        mail = mail_texts.verification(
            user.email,
            token,
            link_base=self.rules.link_base,
            hours=_hours(seconds),
            user_id=user.id,
        )
        self._post_bounded(mail)

    def verify(self, token: str) -> Verified:
        """Use a token up that was sent to an address: "created" or "verified", and the user's id.

        Raises:
            OneTimeTokenInvalid: it is void, or somebody else has the address now.
        """
        done = self.users.verify(digest_of(token), new_id=new_user_id())
        if done is None:
            raise OneTimeTokenInvalid
        return done

    def ask_to_reset(self, email: str) -> str:
        """Send a token to the address, if anybody has it; "" or the user's id, for the audit log.

        Raises:
            MailDisabled: this server sends no mail.
        """
        self._require_mail()
        user = self.users.by_email(email)
        # As many calls for an address nobody has.
        token = self._put_once("reset", user.id if user else "", self.rules.reset_token_seconds)
        if user is None:
            self.users.count_mail(email, window_seconds=_HOUR_SECONDS)
            return ""
        hours = _hours(self.rules.reset_token_seconds)
        self._post_bounded(
            mail_texts.reset(user, token, link_base=self.rules.link_base, hours=hours)
        )
        return user.id

    def reset_password(self, token: str, new: str) -> str:
        """Use a token up: set the password and end all sessions; the user's id.

        Raises:
            OneTimeTokenInvalid: it is void.
            WeakPassword: the password breaks a rule; the token is still good.
            HashingBusy: too many passwords are being hashed; the token is still good.
        """
        digest = digest_of(token)
        user = self.users.reset_target(digest)
        if user is None:
            raise OneTimeTokenInvalid
        check_password(new, email=user.email)
        if not self.users.reset_password(digest, user.id, self.passwords.hash(new)):
            raise OneTimeTokenInvalid
        self.postbox.post_if_open(mail_texts.password_changed(user))
        return user.id

    def _put_once(self, kind: OnceKind, user_id: str, ttl_seconds: int) -> str:
        token = _new_token()
        self.users.put_once(kind, digest_of(token), user_id, ttl_seconds=ttl_seconds)
        return token

    def _require_mail(self) -> None:
        if not self.postbox.is_open:
            raise MailDisabled

    def _post_bounded(self, mail: Mail) -> None:
        """Send a mail, unless its address has had enough of them."""
        sent = self.users.count_mail(mail.to, window_seconds=_HOUR_SECONDS)
        if sent <= self.rules.mails_per_hour:
            self.postbox.post(mail)


def _new_token() -> str:
    """256 random bits."""
    return secrets.token_urlsafe(32)


def _hours(seconds: int) -> int:
    return max(1, round(seconds / 3600))
