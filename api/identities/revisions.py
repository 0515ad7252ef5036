"""`If-Match`: a change is only made to what its sender has seen."""

import re

from flask import Response, request

from workers.identities.errors import RevisionMismatch

HEADER = "If-Match"
#: As `tagged` gives it; weak where the answer that told it was compressed.
_REVISION = re.compile(r'(?:W/)?"r(\d{1,15})"')


def tagged(response: Response, revision: int) -> Response:
    """The response with the tag of what it shows."""
    response.set_etag(f"r{revision}")
    response.headers["Cache-Control"] = "private, no-store"
    return response


def is_conditional() -> bool:
    """Whether the client says which revision it wants to change."""
    return request.headers.get(HEADER, "*").strip() != "*"


def require_seen(revision: int) -> None:
    """Refuse to change what the client has not seen.

    Args:
        revision: That is there now.

    Raises:
        RevisionMismatch: the client's tags are others; tags that are none of ours are, too.
    """
    if not is_conditional():
        return
    tags = (tag.strip() for tag in request.headers[HEADER].split(","))
    seen = {int(found[1]) for tag in tags if (found := _REVISION.fullmatch(tag))}
    if revision not in seen:
        raise RevisionMismatch
