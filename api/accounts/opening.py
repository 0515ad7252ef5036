"""People's accounts from the settings: for the gateway and for `facesocial users`."""

import redis
from argon2 import Parameters, Type

from api.accounts.lockout import LockoutRule
from api.accounts.logins import Logins
from api.accounts.mail import ConsoleMail, MailSender, Postbox, SmtpMail
from api.accounts.mail_proofs import MailProofs, ProofRules
from api.accounts.passwords import Passwords
from api.accounts.people import People
from api.accounts.redis_lockout import RedisLockout
from api.accounts.redis_sessions import RedisSessions
from api.accounts.redis_users import RedisUsers
from api.accounts.sealing import Seal
from api.accounts.sessions import SessionTimes
from api.accounts.totp import SecondFactor
from workers.settings.process import Settings

#: Argon2's own: version 1.3, 128 bits of salt and 256 of hash (RFC 9106).
_VERSION, _SALT_BYTES, _HASH_BYTES = 19, 16, 32


def open_passwords(settings: Settings) -> Passwords:
    """How passwords are hashed here."""
    parameters = Parameters(
        type=Type.ID,
        version=_VERSION,
        salt_len=_SALT_BYTES,
        hash_len=_HASH_BYTES,
        time_cost=settings.password_passes,
        memory_cost=settings.password_memory_mib * 1024,
        parallelism=settings.password_lanes,
    )
    return Passwords(
        parameters,
        at_once=settings.passwords_at_once,
        wait_seconds=settings.password_wait_seconds,
    )


def open_mail(settings: Settings) -> MailSender | None:
    """How mails leave; None: they don't."""
    if settings.mail_sender == "off":
        return None
    if settings.mail_sender == "console":
        return ConsoleMail()
    password = settings.smtp_password
    return SmtpMail(
        host=settings.smtp_host,
        port=settings.smtp_port,
        security=settings.smtp_security,
        sender=settings.mail_from,
        user=settings.smtp_user,
        password=password.get_secret_value() if password else None,
    )


def open_people(
    client: redis.Redis,
    settings: Settings,
    *,
    seal: Seal,
    passwords: Passwords | None = None,
    postbox: Postbox | None = None,
) -> People:
    """People's accounts on a client.

    Args:
        client: Of the store.
        settings: How long things last, and what is allowed.
        seal: Closes the secrets of second factors.
        passwords: Replaces those of the settings, for tests.
        postbox: The same.
    """
    passwords = passwords or open_passwords(settings)
    postbox = postbox or Postbox(open_mail(settings))
    users = RedisUsers(client)
    sessions = RedisSessions(client, _times(settings))
    return People(
        users=users,
        sessions=sessions,
        logins=Logins(
            users=users,
            sessions=sessions,
            lockout=RedisLockout(client, _lockout_rule(settings)),
            passwords=passwords,
            factor=SecondFactor(users, seal),
            postbox=postbox,
        ),
        proofs=MailProofs(
            rules=ProofRules(
                registration_open=settings.registration == "open",
                reset_token_seconds=settings.reset_token_seconds,
                verification_token_seconds=settings.verification_token_seconds,
                mails_per_hour=settings.mails_per_hour,
                link_base=settings.mail_link_base,
            ),
            users=users,
            passwords=passwords,
            postbox=postbox,
        ),
    )


def _times(settings: Settings) -> SessionTimes:
    return SessionTimes(
        plain_seconds=settings.session_seconds,
        remembered_seconds=settings.remembered_session_seconds,
        longest_seconds=settings.longest_session_seconds,
        grace_seconds=settings.refresh_grace_seconds,
        most=settings.sessions_per_user,
    )


def _lockout_rule(settings: Settings) -> LockoutRule:
    return LockoutRule(
        account_failures=settings.login_failures,
        address_failures=settings.login_failures_per_address,
        base_seconds=settings.login_wait_seconds,
        longest_seconds=settings.login_longest_wait_seconds,
        memory_seconds=settings.login_failures_forgotten_seconds,
    )
