"""The store of known people on a real server: memory by face and person, and what calls take."""

import json
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Annotated, Any

import redis
import typer
from rich.console import Console
from rich.table import Table

from benchmarks.ledger_fleet import running_store
from workers.identities.keys import VaultSeals
from workers.identities.opening import Identities, open_identities
from workers.identities.records import (
    CollectionSettings,
    EmbeddingContract,
    NewCollection,
    NewFace,
    NewPerson,
)
from workers.identities.store import MOST_LISTED
from workers.identities.trace_records import AuditEvent
from workers.identities.vault import MemoryVault
from workers.settings.process import Settings

_UID = "col_" + "0" * 32
_CONTRACT = EmbeddingContract(
    model="made-up", sha256="0" * 64, preprocessing_version="1", dimensions=512
)
#: 512 dimensions x float16.
_VECTOR = bytes(1024)
_AUDIT = AuditEvent(action="faces.imported", by="benchmark")
#: Calls of each kind that are timed alone.
_CALLS = 200
#: Faces told of one search: five candidates of a face.
_RESOLVED = 5


def people_store(
    *,
    persons: Annotated[int, typer.Option(min=1000)] = 20_000,
    faces: Annotated[int, typer.Option(min=1, help="Of each person.")] = 2,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, not a table.")] = False,
) -> None:
    """Fill a collection, ask it, and delete it."""
    with running_store() as client:
        report = _Measurement(client, persons=persons, faces=faces).report()
    if as_json:
        json.dump(report, sys.stdout, indent=2)
    else:
        table = Table("what", "value", title="The store of known people")
        for name, value in report.items():
            table.add_row(name, f"{value:,}")
        Console().print(table)


class _Measurement:
    """One run."""

    def __init__(self, client: redis.Redis, *, persons: int, faces: int) -> None:
        self._client = client
        self._persons = persons
        self._faces = faces
        self._stores: Identities = open_identities(client, Settings(), VaultSeals(MemoryVault()))

    def report(self) -> dict[str, Any]:
        """Everything, in its order."""
        settings = CollectionSettings(most_faces_per_person=2 * MOST_LISTED)
        new = NewCollection(uid=_UID, id="album", owner="benchmark", settings=settings)
        self._stores.collections.create(new, most=1, audit=_AUDIT)
        return {
            "persons": self._persons,
            "faces_each": self._faces,
            **self._filled(),
            **self._asked(),
            **self._forgotten(),
        }

    def _filled(self) -> dict[str, Any]:
        empty = self._memory()
        put = [self._timed(partial(self._put, i)) for i in range(self._persons)]
        with_persons = self._memory()
        add = [self._timed(partial(self._add, i, self._faces)) for i in range(self._persons)]
        with_faces = self._memory()
        self._put(self._persons)
        bulk = self._timed(partial(self._add, self._persons, MOST_LISTED))
        count = self._persons * self._faces
        return {
            "bytes_per_person": round((with_persons - empty) / self._persons),
            "bytes_per_face": round((with_faces - with_persons) / count),
            "put_p50_ms": _ms(put),
            "add_faces_p50_ms": _ms(add),
            "add_1000_faces_ms": _ms([bulk]),
        }

    def _asked(self) -> dict[str, Any]:
        persons, log = self._stores.persons, self._stores.log
        place = log.head(_UID).place
        resolved = [
            [_face(i * _CALLS + j, 0) for j in range(_RESOLVED)]
            for i in range(self._persons // _CALLS)
        ]
        started, count, cursor = time.perf_counter(), 0, ""
        while cursor or not count:
            page = log.scan(_UID, cursor=cursor)
            count += len(page.vectors)
            cursor = page.cursor
        scanned = time.perf_counter() - started
        return {
            "head_p50_ms": _ms([self._timed(partial(log.head, _UID)) for _ in range(_CALLS)]),
            "changes_p50_ms": _ms(
                [self._timed(partial(log.changes, _UID, place)) for _ in range(_CALLS)]
            ),
            "resolve_5_p50_ms": _ms(
                [self._timed(partial(persons.resolve, _UID, ids)) for ids in resolved]
            ),
            "list_100_persons_ms": _ms(
                [self._timed(partial(persons.list, _UID, limit=100)) for _ in range(20)]
            ),
            "scanned_faces_per_s": round(count / scanned),
        }

    def _forgotten(self) -> dict[str, Any]:
        persons = self._stores.persons
        delete = [
            self._timed(partial(persons.delete, _UID, f"person-{i}", audit=_AUDIT))
            for i in range(_CALLS)
        ]
        merge = [
            self._timed(
                partial(
                    persons.merge,
                    _UID,
                    into=f"person-{i}",
                    person_id=f"person-{i + 1}",
                    audit=_AUDIT,
                )
            )
            for i in range(_CALLS, 3 * _CALLS, 2)
        ]
        whole = self._timed(partial(self._stores.collections.delete, _UID, audit=_AUDIT))
        return {
            "delete_person_p50_ms": _ms(delete),
            "merge_p50_ms": _ms(merge),
            "delete_collection_ms": _ms([whole]),
        }

    def _put(self, number: int) -> None:
        new = NewPerson(
            id=f"person-{number}", name=f"Somebody No {number}", external_id=f"hr-{number}"
        )
        self._stores.persons.put(_UID, new, audit=_AUDIT)

    def _add(self, number: int, count: int) -> None:
        new = [
            NewFace(
                id=_face(number, place),
                vector=_VECTOR,
                quality=0.8,
                source_sha256=f"{number:032x}{place:032x}",
                origin="job_" + "0" * 32,
                added_by="user_" + "0" * 32,
            )
            for place in range(count)
        ]
        self._stores.persons.add_faces(
            _UID, f"person-{number}", new, contract=_CONTRACT, audit=_AUDIT
        )

    def _memory(self) -> int:
        told: Any = self._client.info("memory")
        return int(told["used_memory"])

    @staticmethod
    def _timed(call: Callable[[], object]) -> float:
        started = time.perf_counter()
        call()
        return time.perf_counter() - started


def _face(person: int, place: int) -> str:
    return f"face_{person:016x}{place:016x}"


def _ms(seconds: list[float]) -> float:
    return round(statistics.median(seconds) * 1000, 2)
