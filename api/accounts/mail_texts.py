"""What the mails say. Nothing a stranger can type stands in them: they would be sent by us."""

from api.accounts.mail import Mail
from api.accounts.users import User


def verification(email: str, token: str, *, link_base: str, hours: int, user_id: str = "") -> Mail:
    """To an address that has to be verified."""
    return Mail(
        to=email,
        subject="Verify your e-mail address",
        text=(
            "Somebody, probably you, gave this e-mail address to FaceSocial.\n\n"
            f"{_way(link_base, 'verify-email', token)}\n\n"
            f"It can be used once, within {_hours(hours)}. If it was not you, do nothing: without "
            "it, the address is not used.\n"
        ),
        user_id=user_id,
    )


def known_address(user: User, *, link_base: str) -> Mail:
    """To somebody whose address was used to register again."""
    where = f" at {link_base}" if link_base else ""
    return Mail(
        to=user.email,
        subject="You have an account already",
        text=(
            "Somebody, probably you, tried to register with this e-mail address at FaceSocial"
            f"{where}. It has an account already: log in, or ask for a new password there.\n\n"
            "If it was not you, do nothing. Nothing was changed.\n"
        ),
        user_id=user.id,
    )


def reset(user: User, token: str, *, link_base: str, hours: int) -> Mail:
    """To somebody who has forgotten a password."""
    return Mail(
        to=user.email,
        subject="Reset your password",
        text=(
            "Somebody, probably you, asked to reset the password of this account at "
            f"FaceSocial.\n\n{_way(link_base, 'reset-password', token)}\n\n"
            f"It can be used once, within {_hours(hours)}. If it was not you, do nothing. Nothing "
            "was changed.\n"
        ),
        user_id=user.id,
    )


def password_changed(user: User) -> Mail:
    """To somebody whose password was changed."""
    return Mail(
        to=user.email,
        subject="Your password was changed",
        text=(
            "The password of your account at FaceSocial was changed, and all other logins were "
            "ended.\n\nIf it was not you, reset it now, and tell whoever runs this server.\n"
        ),
        user_id=user.id,
    )


def _way(link_base: str, page: str, token: str) -> str:
    if not link_base:
        return f"Your token: {token}"
    # After the #: a browser does not send it to servers, whose logs would keep it.
    return f"Open {link_base.rstrip('/')}/{page}#token={token}"


def _hours(hours: int) -> str:
    return "an hour" if hours == 1 else f"{hours} hours"
