"""Known persons and their faces: what is asked of the gateway, step by step."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from client.calls import Call, Flow, R, perform, posted, read
from client.collection_flows import collection_path, given, if_match
from client.collection_records import Deletion
from client.downloads import download
from client.job_flows import Options
from client.person_records import Face, Person
from client.photos import Progress
from client.records import Job, Page
from client.retries import Retries

#: Photos of one request for enrolment.
MOST_PHOTOS = 20


def person_path(collection: str, person_id: str, *below: str) -> str:
    """The address of a person, or of something of theirs."""
    return collection_path(collection, "persons", person_id, *below)


class PersonFlows:
    """Persons of collections.

    Args:
        retries: How patient they are.
    """

    def __init__(self, retries: Retries) -> None:
        self._retries = retries

    def create(self, collection: str, person_id: str | None, description: Options) -> Flow[Person]:
        """Make a person; one with the same data is given back."""
        body = {**given({"id": person_id}), **given(description)}
        return self._read(Person, posted(collection_path(collection, "persons"), body))

    def get(self, collection: str, person_id: str) -> Flow[Person]:
        """A person."""
        return self._read(Person, Call(method="GET", path=person_path(collection, person_id)))

    def listed(
        self, collection: str, *, external_id: str | None, after: str | None, limit: int
    ) -> Flow[Page[Person]]:
        """A part of a collection's persons, in the order they were made."""
        query = given({"external_id": external_id, "after": after, "limit": limit})
        call = Call(method="GET", path=collection_path(collection, "persons"), query=query)
        return self._read(Page[Person], call)

    def change(
        self, collection: str, person_id: str, changes: Options, *, revision: int | None
    ) -> Flow[Person]:
        """Change a person's data; what is not given stays, None takes away."""
        call = Call(
            method="PATCH",
            path=person_path(collection, person_id),
            headers=if_match(revision),
            json=dict(changes),
        )
        return self._read(Person, call)

    def merge(self, collection: str, into: str, person_id: str) -> Flow[Person]:
        """Give one person's faces to another and forget the first."""
        path = person_path(collection, into, "merge")
        return self._read(Person, posted(path, {"person_id": person_id}))

    def delete(self, collection: str, person_id: str) -> Flow[Deletion]:
        """Forget a person."""
        return self._read(Deletion, Call(method="DELETE", path=person_path(collection, person_id)))

    def export(
        self, collection: str, person_id: str, target: Path, *, progress: Progress | None
    ) -> Flow[None]:
        """Write all that is stored of a person to a ZIP file."""
        path = person_path(collection, person_id, "export")
        return download(path, target, self._retries, progress=progress)

    def faces(self, collection: str, person_id: str) -> Flow[Page[Face]]:
        """All faces of a person, the oldest first."""
        call = Call(method="GET", path=person_path(collection, person_id, "faces"))
        return self._read(Page[Face], call)

    def delete_face(self, collection: str, face_id: str) -> Flow[None]:
        """Forget a face."""
        call = Call(method="DELETE", path=collection_path(collection, "faces", face_id))
        yield from perform(call, self._retries)

    def search(self, collection: str, body: Mapping[str, Any], *, wait_seconds: float) -> Flow[Job]:
        """Ask whose embeddings they are."""
        path = collection_path(collection, "identify")
        return self._read(Job, posted(path, given(body), wait_seconds=wait_seconds))

    def _read(self, kind: type[R], call: Call) -> Flow[R]:
        return read(kind, call, self._retries)
