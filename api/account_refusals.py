"""Attempts that failed or have to wait, as answers."""

import math

from pydantic import SecretStr

from api.accounts.errors import AttemptsDelayed, SecondFactorWrong
from api.errors import ApiError


def require_same(first: SecretStr, second: SecretStr) -> None:
    """Refuse two different passwords.

    Raises:
        ApiError: they are.
    """
    if first != second:
        detail = "confirm_password: expected the same as the password."
        raise ApiError("validation_error", detail, field="confirm_password")


def wrong_code(error: SecondFactorWrong) -> ApiError:
    """A code that was refused, as an answer."""
    left = error.attempts_remaining
    return ApiError("mfa_invalid", str(error), field="mfa_code", attempts_remaining=left)


def delayed(error: AttemptsDelayed) -> ApiError:
    """An attempt that has to wait, as an answer."""
    return ApiError(
        "login_delayed", str(error), retry_after_seconds=max(1, math.ceil(error.seconds))
    )
