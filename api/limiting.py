"""Limits around every request: taken before the view, told in the answer.

The health and the documents cost nothing and don't ask the store. Everything else needs the store
anyway: while it is away a request is refused here as it would be by its view.
"""

import math
import time
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from flask import Response, g, request

from api.client_address import address_group, client_address
from api.endpoint import current_endpoint, principal
from api.errors import ApiError, respond
from api.limits.limiter import Cost, Level, Verdict
from api.problems import PROBLEM_OF_CODE
from api.services import services
from api.unannounced_body import UnannouncedBody
from workers.errors import StoreUnavailable

_CODE = "rate_limit_exceeded"


def limit_request() -> None:
    """Take what the request costs; hooked in behind authentication.

    Raises:
        ApiError: rate_limit_exceeded.
        StoreUnavailable: the store does not answer.
    """
    declared = current_endpoint()
    if declared is None or request.method == "OPTIONS":
        return
    length_bytes = request.content_length or 0
    _take(
        services().limit_rules.of_request(
            declared.bucket,
            principal(),
            address_group(client_address()),
            upload_bytes=length_bytes,
        )
    )
    if request.content_length is None and "Transfer-Encoding" in request.headers:
        _charge_as_it_arrives()


def charge(*, images: int = 0, upload_bytes: int = 0) -> None:
    """Take what turned out to be in the request, beyond one image and its announced length.

    What is fetched for a request is charged here, and a body that announces no length, bit by bit.

    Raises:
        ApiError: rate_limit_exceeded; nothing was taken.
        StoreUnavailable: the store does not answer.
    """
    _take(services().limit_rules.of_work(principal(), images=images, upload_bytes=upload_bytes))


def _charge_as_it_arrives() -> None:
    """Take the bytes of a body that comes in chunks, where anybody counts them."""
    if services().limit_rules.of_work(principal(), images=0, upload_bytes=1):
        environ = request.environ
        environ["wsgi.input"] = UnannouncedBody(
            environ["wsgi.input"], lambda size_bytes: charge(upload_bytes=size_bytes)
        )


def tell_limits(response: Response) -> Response:
    """Add what is left to the answer; hooked in after every request.

    A refused credential draws from its address's bucket here, so that nobody tries for ever.
    """
    if response.status_code == HTTPStatus.UNAUTHORIZED:
        response = _count_refused(response)
    levels: dict[str, Level] = g.get("limits", {})
    if levels:
        _tell(response, list(levels.values()))
    return response


def _take(costs: Sequence[Cost]) -> None:
    if not costs:
        return
    verdict = services().limiter.take(costs)
    g.setdefault("limits", {}).update({level.policy.name: level for level in verdict.levels})
    if verdict.refused:
        raise ApiError(_CODE, _detail(verdict), **_members(verdict))


def _detail(verdict: Verdict) -> str:
    [first] = [level for level in verdict.levels if level.policy.name == verdict.refused[0]]
    policy = first.policy
    allowed = f"{policy.quota} {policy.unit} in {policy.window_seconds} seconds are allowed"
    if verdict.retry_seconds is None:
        return f"{allowed}, and this request asks for more than that. Send less at once."
    return f"{allowed}, and {first.remaining} are left. Try again after Retry-After."


def _members(verdict: Verdict) -> dict[str, Any]:
    members: dict[str, Any] = {"violated_policies": list(verdict.refused)}
    if verdict.retry_seconds is None:
        return {**members, "retryable": False}
    return {**members, "retry_after_seconds": max(1, math.ceil(verdict.retry_seconds))}


def _count_refused(response: Response) -> Response:
    """The answer itself, or 429 where an address has shown too many bad credentials."""
    try:
        _take(services().limit_rules.of_stranger(address_group(client_address())))
    except ApiError as error:
        return respond(PROBLEM_OF_CODE[_CODE], str(error), **error.extra)
    except StoreUnavailable:
        pass  # It says no in any case.
    return response


def _tell(response: Response, levels: Sequence[Level]) -> None:
    """The fields of draft-ietf-httpapi-ratelimit-headers, and the older ones for the tightest."""
    headers = response.headers
    headers["RateLimit-Policy"] = ", ".join(
        f'"{one.policy.name}";q={one.policy.quota};w={one.policy.window_seconds}'
        + (f';qu="{one.policy.unit}"' if one.policy.unit != "requests" else "")
        for one in levels
    )
    headers["RateLimit"] = ", ".join(
        f'"{one.policy.name}";r={one.remaining};t={math.ceil(one.full_seconds)}' for one in levels
    )
    tightest = min(levels, key=lambda one: one.remaining / one.policy.quota)
    headers["X-RateLimit-Limit"] = str(tightest.policy.quota)
    headers["X-RateLimit-Remaining"] = str(tightest.remaining)
    headers["X-RateLimit-Reset"] = str(math.ceil(time.time() + tightest.full_seconds))
    if response.status_code == HTTPStatus.TOO_MANY_REQUESTS and "Retry-After" in headers:
        headers["X-RateLimit-Retry-After"] = headers["Retry-After"]
