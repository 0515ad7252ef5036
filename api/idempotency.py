"""`Idempotency-Key`: a request may be sent again without being done again.

A POST that makes a job or a batch gives it an id made of the caller, the address and the key, and
the store finds the earlier one. Other POSTs are wrapped in `replayed`, which keeps their answers.
"""

import functools
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar, cast, overload

import structlog
import uuid_utils
from flask import Response, make_response, request
from flask.typing import ResponseReturnValue

from api.endpoint import principal
from api.errors import ApiError
from api.kept_answers import KeptAnswer, KeptAnswers
from api.services import services
from workers.errors import StoreUnavailable

HEADER = "Idempotency-Key"
#: Tells that the answer is that of an earlier request.
REPLAYED_HEADER = "Idempotency-Replayed"
#: Printable ASCII, as the draft (draft-ietf-httpapi-idempotency-key-header-07) has it, unquoted.
_KEY = re.compile(r"[ -~]{1,255}")
#: Headers that say what is asked for, beside the body.
_TELLING_HEADERS = ("Tus-Resumable", "Upload-Length", "Upload-Metadata")
_log = structlog.get_logger()

View = TypeVar("View", bound=Callable[..., Any])
#: Tells what a request made as it is now, given the answer's `Location`.
Teller = Callable[[str], ResponseReturnValue]

#: Largest answer that is kept.
MOST_KEPT_BYTES = 64 * 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class RequestName:
    """What a client calls its request."""

    #: The header; "": it did not name it.
    key: str
    #: Whose request it is: keys of two callers or two addresses never meet.
    owner: str
    path: str

    def id_for(self, prefix: str) -> str:
        """The id of what the request makes: of its name where it has one, else a new one."""
        if not self.key:
            return f"{prefix}_{uuid_utils.uuid7().hex}"
        return f"{prefix}_{fingerprint_of(prefix, self.owner, self.path, self.key)[:32]}"

    def fingerprint(self, *parts: str | bytes) -> str:
        """Of what is asked, to tell another request of the same name; "" without a name."""
        return fingerprint_of(*parts) if self.key else ""


def fingerprint_of(*parts: str | bytes) -> str:
    """SHA-256 of parts, each with its length: ("ab", "c") is not ("a", "bc").

    Returns:
        64 hexadecimal digits.
    """
    made = hashlib.sha256()
    for part in parts:
        content = part.encode() if isinstance(part, str) else part
        made.update(len(content).to_bytes(8, "big"))
        made.update(content)
    return made.hexdigest()


def request_name() -> RequestName:
    """What the client calls the current request.

    Raises:
        ApiError: the key is not 1 to 255 printable ASCII characters.
    """
    key = request.headers.get(HEADER, "")
    if HEADER in request.headers and not _KEY.fullmatch(key):
        detail = "Idempotency-Key: expected 1 to 255 printable ASCII characters."
        raise ApiError("validation_error", detail, field=HEADER)
    return RequestName(key=key, owner=principal().user_id, path=f"{request.method} {request.path}")


@overload
def replayed(view: View) -> View: ...
@overload
def replayed(
    *, has_secret: bool = False, again: Teller | None = None
) -> Callable[[View], View]: ...
def replayed(
    view: View | None = None, *, has_secret: bool = False, again: Teller | None = None
) -> View | Callable[[View], View]:
    """Do a view once for each Idempotency-Key, and answer repetitions as it was answered.

    Goes above `@endpoint`. The body has to fit in memory. Only answers of 2xx are kept: after any
    other, sending it again does it again.

    Args:
        view: The view; None where arguments are given.
        has_secret: The answer holds what may not be kept: a repetition is told that it was done,
            by 409 `idempotency_conflict`.
        again: What answers a repetition in that case, in place of a conflict.
    """

    def wrap(wrapped: View) -> View:
        @functools.wraps(wrapped)
        def once(*args: object, **kwargs: object) -> ResponseReturnValue:
            made = functools.partial(wrapped, *args, **kwargs)
            return _once(made, has_secret=has_secret, again=again)

        return cast("View", once)

    return wrap if view is None else wrap(view)


def _once(
    view: Callable[[], ResponseReturnValue], *, has_secret: bool, again: Teller | None
) -> ResponseReturnValue:
    name = request_name()
    if not name.key:
        return view()
    answers, place = services().kept_answers, name.id_for("answer")
    body = request.get_data(cache=True)
    told = [request.headers.get(one, "") for one in _TELLING_HEADERS]
    fingerprint = fingerprint_of(request.query_string, request.mimetype, body, *told)
    if kept := answers.begin(place, fingerprint):
        return _again(kept, again)
    kept = None
    try:
        response = make_response(view())
        if response.status_code // 100 == 2:  # noqa: PLR2004 - 2xx
            kept = _kept(response, has_secret=has_secret)
        return response
    finally:
        _leave(answers, place, fingerprint, kept)


def _leave(answers: KeptAnswers, place: str, fingerprint: str, kept: KeptAnswer | None) -> None:
    """Keep the answer, or nothing where there is none worth it."""
    try:
        if kept is None:
            answers.forget(place)
        else:
            answers.keep(place, fingerprint, kept)
    except StoreUnavailable as error:
        # What was done is done, and is told. A repetition is refused for a while, then done again.
        _log.warning("idempotency.answer_not_kept", error=str(error))


def _kept(response: Response, *, has_secret: bool) -> KeptAnswer:
    too_long = (response.content_length or 0) > MOST_KEPT_BYTES
    is_told = not has_secret and not response.is_streamed and not too_long
    return KeptAnswer(
        status=response.status_code,
        media_type=response.mimetype or "",
        location=response.headers.get("Location", ""),
        body=response.get_data(as_text=True) if is_told else None,
    )


def _again(kept: KeptAnswer, again: Teller | None) -> Response:
    if kept.body is not None:
        response = Response(kept.body, status=kept.status, mimetype=kept.media_type)
    elif again is not None:
        response = make_response(again(kept.location))
        response.status_code = kept.status
    else:
        detail = "The request with this key was done; its answer was given then and is not kept."
        raise ApiError("idempotency_conflict", detail, field=HEADER)
    if kept.location:
        response.headers["Location"] = kept.location
    response.headers["Cache-Control"] = "no-store"
    response.headers[REPLAYED_HEADER] = "true"
    return response
