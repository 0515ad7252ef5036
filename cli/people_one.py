"""Photos of one person, sent for enrolment in as many requests as they take."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from cli.outcomes import photo_bar
from client import Client, InvalidInput
from client.person_flows import MOST_PHOTOS

#: What became of the photos of a request: a job's result.
Result = Mapping[str, Any]

#: Time for the photos of one request.
JOB_SECONDS = 600
#: The field of a photo among those of a request.
_PHOTO = re.compile(r"images\.(\d+)")


def enrolled(
    client: Client, person: str, photos: Sequence[Path], options: Mapping[str, Any], collection: str
) -> Iterator[Result]:
    """Enrol photos, and tell what became of them, request by request.

    A photo that the gateway does not take, such as a broken file, does not stop the others: it is
    left out, and is among those that were refused.

    Raises:
        ClientError: a request was refused for something else than one of its photos.
    """
    with photo_bar(len(photos)) as advance:
        for first in range(0, len(photos), MOST_PHOTOS):
            part = list(photos[first : first + MOST_PHOTOS])
            size, left_out = len(part), list[Mapping[str, Any]]()
            result: Result = {"photos": [], "refused": 0}
            while part:
                try:
                    job = client.people.enroll(person, part, collection=collection, **options)
                except InvalidInput as error:
                    left_out.append(_taken_out(part, error))
                else:
                    result = client.wait(job, timeout_seconds=JOB_SECONDS).result or result
                    break
            yield {
                **result,
                "photos": [*result["photos"], *left_out],
                "refused": result["refused"] + len(left_out),
            }
            for _ in range(size):
                advance()


def _taken_out(part: list[Path], error: InvalidInput) -> Mapping[str, Any]:
    """Take the photo out for which a request was refused, and tell of it as results do.

    Raises:
        InvalidInput: the request was refused for something else.
    """
    named = _PHOTO.fullmatch(error.field or "")
    place = int(named[1]) if named else len(part)
    if place >= len(part):
        raise error
    return {
        "filename": part.pop(place).name,
        "outcome": "refused",
        "reasons": [error.code],
        "warnings": [],
        "message": str(error),
    }
