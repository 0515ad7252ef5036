"""The one shape of errors: problem details (RFC 9457)."""

from typing import Any

from pydantic import BaseModel, ConfigDict

from api.answers import Answer


class Finding(Answer):
    """One thing that is wrong with a request."""

    #: Path of the part of the request, with dots between; empty: the request as a whole.
    field: str
    #: What is wrong, in a word.
    code: str
    message: str


class ProblemDocument(BaseModel):
    """An error. Some codes have further members, told at their place in the reference."""

    model_config = ConfigDict(
        frozen=True,
        extra="allow",
        json_schema_extra={
            "examples": [
                {
                    "type": "urn:facesocial:problem:validation_error",
                    "title": "An option is wrong",
                    "status": 422,
                    "code": "validation_error",
                    "detail": "max_faces: Input should be greater than or equal to 1.",
                    "retryable": False,
                    "request_id": "req_01a2061ec8cd76329780e143321ae162",
                    "field": "max_faces",
                }
            ]
        },
    )

    #: `urn:facesocial:problem:` and the code.
    type: str
    #: The same for every error of this code, for people.
    title: str
    #: The HTTP status.
    status: int
    #: Stable; for programs.
    code: str
    #: What happened and what to do, for people.
    detail: str
    #: Whether the same request may succeed later.
    retryable: bool
    #: Also in `X-Request-ID`, and in the log.
    request_id: str
    #: The part of the request that is wrong, where there is one.
    field: str | None = None
    #: Everything that is wrong with the request.
    errors: tuple[Finding, ...] | None = None
    #: With 503 and 429: when to try again, in seconds; also in `Retry-After`.
    retry_after_seconds: int | None = None

    def members(self) -> dict[str, Any]:
        """The document without what doesn't apply."""
        return self.model_dump(mode="json", exclude_none=True)
