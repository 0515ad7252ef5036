"""A gateway that answers from a script: for tests of programs that use the client.

Client("http://gateway.test", transport=httpx.MockTransport(ScriptedGateway(answers=[...])))
"""

from dataclasses import dataclass, field
from typing import Any

import httpx

Answer = httpx.Response | Exception

#: When everything was made that the bodies below tell of.
MADE = "2026-01-01T00:00:00Z"


@dataclass
class ScriptedGateway:
    """Answers requests one by one; asked for more than it was given, it fails."""

    #: Answers to come, or what goes wrong instead.
    answers: list[Answer] = field(default_factory=list)
    #: What it was asked.
    requests: list[httpx.Request] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """The next answer."""
        request.read()
        self.requests.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def collection_body(collection_id: str = "default", **members: object) -> dict[str, Any]:
    """What the gateway tells of a collection that is empty and new, but for some members."""
    return {
        "id": collection_id,
        "title": "",
        "model": None,
        "contract": None,
        "quality": "standard",
        "thresholds": {
            "source": "preset",
            "far": 1e-3,
            "fpir": 1e-2,
            "similarity": None,
            "margin": 0.05,
        },
        "keep_images": False,
        "consent_required": False,
        "liveness_required": False,
        "retention_seconds": None,
        "limits": {"persons": 1_000_000, "faces_per_person": 100},
        "calibration": None,
        "reembedding": None,
        "persons": 0,
        "faces": 0,
        "version": 0,
        "revision": 1,
        "created_at": MADE,
        "updated_at": MADE,
        **members,
    }


def person_body(person_id: str, **members: object) -> dict[str, Any]:
    """What the gateway tells of a person without a face, but for some members."""
    return {
        "id": person_id,
        "name": "",
        "external_id": "",
        "metadata": {},
        "consent": None,
        "faces": 0,
        "revision": 1,
        "created_at": MADE,
        "updated_at": MADE,
        "enrolled_at": None,
        **members,
    }


def deletion_body(deletion_id: str = "deletion_1", **members: object) -> dict[str, Any]:
    """A certificate of a person's deletion that was made right now, but for some members."""
    return {
        "id": deletion_id,
        "collection_id": "default",
        "person_id": "ada",
        "faces": 1,
        "deleted_at": MADE,
        "keys_destroyed_at": None,
        "workers_cleared_at": None,
        "results_expire_at": MADE,
        "results_named_until": None,
        "complete": False,
        **members,
    }
