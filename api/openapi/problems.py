"""Which problems an endpoint may answer: those it declares, and those that come with what it is."""

from collections.abc import Iterator, Mapping

from api.endpoint import Endpoint
from api.problems import PROBLEM_OF_CODE

#: Whatever is asked for. Without its store the gateway answers nothing but its health.
_ALWAYS = ("invalid_request", "internal_error", "store_unavailable")
#: The last where authentication is off: a page of another origin is then told from the rest.
_CREDENTIAL = (
    *("auth_required", "auth_invalid", "auth_expired", "auth_forbidden"),
    "origin_forbidden",
)
_QUERY = ("validation_error", "unknown_option")
_BODY = (
    "unsupported_media_type",
    "upload_incomplete",
    "file_too_large",
    "missing_field",
    "validation_error",
    "unknown_option",
)
_IDEMPOTENT = ("idempotency_conflict", "idempotency_in_progress")


def problem_codes(declared: Endpoint, *, has_variables: bool = False) -> tuple[str, ...]:
    """Every code the endpoint may answer, each once.

    Raises:
        AssertionError: a code is not in the table of `api.problems`.
    """
    codes = tuple(dict.fromkeys(_codes(declared, has_variables=has_variables)))
    unknown = [code for code in codes if code not in PROBLEM_OF_CODE]
    if unknown:
        raise AssertionError(f"api.problems knows no {', '.join(unknown)}.")
    return codes


def codes_by_status(
    declared: Endpoint, *, has_variables: bool = False
) -> Mapping[int, tuple[str, ...]]:
    """The same by HTTP status, in ascending order."""
    found: dict[int, list[str]] = {}
    for code in problem_codes(declared, has_variables=has_variables):
        found.setdefault(PROBLEM_OF_CODE[code].status, []).append(code)
    return {status: tuple(sorted(codes)) for status, codes in sorted(found.items())}


def _codes(declared: Endpoint, *, has_variables: bool) -> Iterator[str]:
    yield from declared.problems
    if has_variables:
        yield "not_found"
    if declared.bucket == "free":
        yield "internal_error"
        return
    yield from _ALWAYS
    yield "rate_limit_exceeded"
    # A parameter the endpoint doesn't have is refused, also where it has none.
    yield from _QUERY
    if not declared.is_open:
        yield from _CREDENTIAL
    if declared.bodies:
        yield from _BODY
    if declared.idempotent:
        yield from _IDEMPOTENT
