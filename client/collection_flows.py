"""Collections of known people: what is asked of the gateway, step by step."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from client.archives import file_body
from client.calls import Body, Call, Flow, R, idempotency_key, posted, query_of, read
from client.collection_records import AuditEvent, Collection, Deletion
from client.downloads import download
from client.errors import ClientError
from client.job_flows import Options
from client.person_records import EnrollmentReport, Imported
from client.photos import Progress
from client.records import Batch, Job, Page
from client.retries import Retries

COLLECTIONS = "/api/v1/collections"
#: Ids, and the words between them in addresses.
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
#: Of requests that name none; the gateway makes it when it is first used.
DEFAULT_COLLECTION = "default"
#: The gateway takes all of an import, or of an archive, before it answers.
INTAKE_SECONDS = 3600.0


def collection_path(collection_id: str, *below: str) -> str:
    """The address of a collection, or of something in it.

    Raises:
        ClientError: a part can't be an id, and might lead elsewhere.
    """
    for part in (collection_id, *below):
        if not _ID.fullmatch(part):
            raise ClientError(
                f"'{part}' can't be an id. Ids are 1 to 64 of A-Z, a-z, 0-9, '.', '_' and '-', and "
                "begin with a letter or a digit; names may be anything."
            )
    return "/".join((COLLECTIONS, collection_id, *below))


def if_match(revision: int | None) -> dict[str, str]:
    """The header by which a change is refused when somebody else has changed it meanwhile."""
    return {} if revision is None else {"If-Match": f'"r{revision}"'}


def given(members: Mapping[str, Any]) -> dict[str, Any]:
    """Members without those that are None."""
    return {name: value for name, value in members.items() if value is not None}


class CollectionFlows:
    """Collections.

    Args:
        retries: How patient they are.
    """

    def __init__(self, retries: Retries) -> None:
        self._retries = retries

    def create(self, collection_id: str | None, settings: Options) -> Flow[Collection]:
        """Make a collection; the same again is given back."""
        body = {**given({"id": collection_id}), **settings}
        return self._read(Collection, posted(COLLECTIONS, body))

    def get(self, collection_id: str) -> Flow[Collection]:
        """A collection."""
        return self._read(Collection, Call(method="GET", path=collection_path(collection_id)))

    def listed(self, *, after: str | None, limit: int) -> Flow[Page[Collection]]:
        """A part of one's collections, by their ids."""
        query = given({"after": after, "limit": limit})
        return self._read(Page[Collection], Call(method="GET", path=COLLECTIONS, query=query))

    def change(
        self, collection_id: str, settings: Options, *, revision: int | None
    ) -> Flow[Collection]:
        """Change settings; what is not given stays."""
        call = Call(
            method="PATCH",
            path=collection_path(collection_id),
            headers=if_match(revision),
            json=dict(settings),
        )
        return self._read(Collection, call)

    def delete(self, collection_id: str) -> Flow[Deletion]:
        """Forget a collection with everybody in it."""
        return self._read(Deletion, Call(method="DELETE", path=collection_path(collection_id)))

    def enroll(
        self,
        collection_id: str,
        body: Body,
        options: Options,
        *,
        key: str | None,
        progress: Progress | None,
    ) -> Flow[Batch]:
        """Send photos of many persons as one batch."""
        call = Call(
            method="POST",
            path=collection_path(collection_id, "enrollments"),
            query=query_of(options),
            headers={"Idempotency-Key": key or idempotency_key()},
            body=body,
            progress=progress,
            extra_seconds=INTAKE_SECONDS,
        )
        return self._read(Batch, call)

    def report(self, collection_id: str, batch_id: str) -> Flow[EnrollmentReport]:
        """What became of the photos of many persons, so far."""
        path = collection_path(collection_id, "enrollments", batch_id)
        return self._read(EnrollmentReport, Call(method="GET", path=path))

    def report_table(self, collection_id: str, batch_id: str, target: Path) -> Flow[None]:
        """Write the same to a CSV file, a row for each photo."""
        path = collection_path(collection_id, "enrollments", batch_id)
        query = {"format": "csv"}
        return download(path, target, self._retries, progress=None, query=query)

    def calibrate(self, collection_id: str, *, wait_seconds: float) -> Flow[Job]:
        """Measure thresholds on the collection's own faces."""
        path = collection_path(collection_id, "calibrate")
        return self._read(Job, posted(path, {}, wait_seconds=wait_seconds))

    def change_model(self, collection_id: str, body: Mapping[str, Any]) -> Flow[Job]:
        """Embed all faces anew by another model."""
        return self._read(Job, posted(collection_path(collection_id, "model"), body))

    def keep_model(self, collection_id: str) -> Flow[Collection]:
        """End a change of model that is under way."""
        call = Call(method="DELETE", path=collection_path(collection_id, "model"))
        return self._read(Collection, call)

    def export(self, collection_id: str, target: Path, *, progress: Progress | None) -> Flow[None]:
        """Write persons and embeddings to a file, a JSON object a line.

        Raises:
            BadAnswer: it broke off before its end.
        """
        path = collection_path(collection_id, "export")
        return download(path, target, self._retries, progress=progress, last_kind="end")

    def load(
        self,
        collection_id: str,
        source: Path,
        *,
        create_persons: bool,
        progress: Progress | None,
    ) -> Flow[Imported]:
        """Take what an export wrote, or embeddings from elsewhere."""
        call = Call(
            method="POST",
            path=collection_path(collection_id, "import"),
            query={"create_persons": "true" if create_persons else "false"},
            headers={"Idempotency-Key": idempotency_key()},
            body=file_body(source, media_type="application/x-ndjson"),
            progress=progress,
            extra_seconds=INTAKE_SECONDS,
        )
        return self._read(Imported, call)

    def audit(self, collection_id: str, *, after: str | None, limit: int) -> Flow[Page[AuditEvent]]:
        """A part of what was done with a collection, the latest first."""
        query = given({"after": after, "limit": limit})
        call = Call(method="GET", path=collection_path(collection_id, "audit"), query=query)
        return self._read(Page[AuditEvent], call)

    def deletion(self, deletion_id: str) -> Flow[Deletion]:
        """A certificate, as far as it has got."""
        path = f"/api/v1/deletions/{quote(deletion_id, safe='')}"
        return self._read(Deletion, Call(method="GET", path=path))

    def deletions(self, *, after: str | None, limit: int) -> Flow[Page[Deletion]]:
        """A part of one's certificates, the latest first."""
        query = given({"after": after, "limit": limit})
        call = Call(method="GET", path="/api/v1/deletions", query=query)
        return self._read(Page[Deletion], call)

    def _read(self, kind: type[R], call: Call) -> Flow[R]:
        return read(kind, call, self._retries)
