"""Errors of the client.

ClientError
├── GatewayAway              no connection, or it broke before the answer
├── NotInTime                a job or batch has not ended in the time given
├── JobFailed                a job ended without a result
├── BadAnswer                what answered is no FaceSocial gateway, or of another version
├── LiveEnded                a live connection has ended; `code` says why
├── SignatureWrong           a webhook is not from who it says, or is too old
└── Problem                  the gateway refused; one class for each family of codes
    ├── InvalidInput         400, 413, 415, 422: mend the request
    ├── AuthenticationFailed 401
    ├── NotAllowed           403
    ├── NotFound             404
    ├── Conflict             409, 412: somebody has changed it meanwhile
    ├── Gone                 410: it has expired or was deleted
    ├── RateLimited          429: `retry_after_seconds` says when
    └── Overloaded           503: the queue is full, or a store is away
"""

from collections.abc import Mapping
from typing import Any


class ClientError(Exception):
    """Something did not work."""


class GatewayAway(ClientError):
    """The gateway did not answer. What was asked may have been done all the same."""


class NotInTime(ClientError):
    """The time is over and the work has not ended; it goes on."""


class BadAnswer(ClientError):
    """The answer is not one this client understands."""


class LiveEnded(ClientError):
    """A live connection has ended.

    Args:
        code: See docs/reference/websocket.md; 1012 and 1013 mean: connect again.
        reason: In words.
    """

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"The connection has ended ({code}): {reason or 'no reason given'}.")
        self.code = code


class SignatureWrong(ClientError):
    """A webhook's signature or age is wrong: do not believe what it says."""


class JobFailed(ClientError):
    """A job failed or was cancelled.

    Args:
        job_id: Of the job.
        code: Stable; see docs/reference/errors.md. "cancelled" for a cancelled one.
        message: What happened and what to do.
        retryable: Whether the same request may succeed later.
    """

    def __init__(self, job_id: str, *, code: str, message: str, retryable: bool) -> None:
        super().__init__(f"The job {job_id} did not succeed: {message}")
        self.job_id = job_id
        self.code = code
        self.retryable = retryable


class Problem(ClientError):
    """The gateway refused a request and said why.

    Args:
        status: HTTP status.
        body: The problem document; empty when the answer was none.
        retry_after_seconds: When to try again, if it was said.
    """

    def __init__(
        self, status: int, body: Mapping[str, Any], *, retry_after_seconds: float | None = None
    ) -> None:
        detail = str(body.get("detail") or body.get("title") or f"status {status}")
        super().__init__(detail)
        self.status = status
        self.body = body
        #: Stable; see docs/reference/errors.md. "" when something else than the gateway answered.
        self.code = str(body.get("code", ""))
        #: Name of the field at fault, if one is.
        self.field: str | None = body.get("field")
        self.request_id: str | None = body.get("request_id")
        #: Whether the same request may succeed later.
        self.retryable = bool(body.get("retryable", False))
        self.retry_after_seconds = retry_after_seconds


class InvalidInput(Problem):
    """The request has to be mended."""


class AuthenticationFailed(Problem):
    """The key or token is missing, wrong, expired or revoked."""


class NotAllowed(Problem):
    """The key lacks a scope, or the feature is switched off."""


class NotFound(Problem):
    """There is no such thing, or it is somebody else's."""


class Conflict(Problem):
    """It contradicts what is there, or what was there has changed; or the key was used before."""


class Gone(Problem):
    """It has expired or was deleted."""


class RateLimited(Problem):
    """Too many requests."""


class Overloaded(Problem):
    """The gateway takes nothing now."""


_KINDS: Mapping[int, type[Problem]] = {
    400: InvalidInput,
    401: AuthenticationFailed,
    403: NotAllowed,
    404: NotFound,
    405: InvalidInput,
    409: Conflict,
    410: Gone,
    412: Conflict,
    413: InvalidInput,
    415: InvalidInput,
    422: InvalidInput,
    429: RateLimited,
    503: Overloaded,
}


def gateway_away(url: object, error: Exception) -> GatewayAway:
    """The error for a request that was not answered, and where it was sent."""
    return GatewayAway(f"The gateway at {url} did not answer: {str(error).rstrip('.')}.")


def problem_of(
    status: int, body: Mapping[str, Any], *, retry_after_seconds: float | None = None
) -> Problem:
    """The error for a refused request."""
    kind = _KINDS.get(status, Problem)
    return kind(status, body, retry_after_seconds=retry_after_seconds)
