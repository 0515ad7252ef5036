"""How long an index takes until it can be searched: from its snapshot, and from the store."""

import tempfile
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Final

import numpy as np
import redis

from benchmarks.errors import BenchmarkFailed
from benchmarks.identify_engines import OurIndex
from benchmarks.identify_faces import DIMENSIONS, MadeFaces
from benchmarks.ledger_fleet import running_store
from workers.blobs.obstore_store import open_blobs
from workers.identities.index.follower import Follower
from workers.identities.index.snapshot import About
from workers.identities.index.snapshots import Snapshots, snapshot_key
from workers.identities.keys import VaultSeals
from workers.identities.memory_faces import MemoryFaces
from workers.identities.opening import Identities, open_identities
from workers.identities.records import (
    EmbeddingContract,
    FaceVector,
    NewCollection,
    NewFace,
    NewPerson,
)
from workers.identities.store import MOST_LISTED
from workers.identities.trace_records import AuditEvent
from workers.identities.vault import MemoryVault
from workers.settings.process import Settings

_UID: Final = "col_" + "0" * 32
_CONTRACT: Final = EmbeddingContract(
    model="made-up", sha256="0" * 64, preprocessing_version="1", dimensions=DIMENSIONS
)
_AUDIT: Final = AuditEvent(action="faces.imported", by="benchmark")


def measure_snapshot(ours: OurIndex, *, exact_faces: int) -> dict[str, Any]:
    """Write a snapshot of an index to a folder, sealed, and load it."""
    log = MemoryFaces()
    log.create(_UID, _CONTRACT)
    # The log's first entry: without one a collection has no model yet.
    log.add(_UID, [FaceVector(face_id="face_" + "f" * 32, person_id="-", vector=bytes(1024))])
    head = log.head(_UID)
    about = About(
        place=head.place, generation=head.generation, contract=_CONTRACT, faces=len(ours.index)
    )
    seals = VaultSeals(MemoryVault())
    seals.create(_UID)
    with tempfile.TemporaryDirectory() as folder:
        blobs = open_blobs(Path(folder).as_uri())
        snapshots = Snapshots(blobs, seals, log, exact_faces=exact_faces)
        started = time.perf_counter()
        snapshots.save(_UID, lambda: (about, ours.index), lock=nullcontext())
        written = time.perf_counter()
        loaded = snapshots.load(_UID, head)
        ended = time.perf_counter()
        size_bytes = sum(one.stat().st_size for one in Path(folder).rglob(snapshot_key(_UID)))
    if loaded is None or len(loaded.index) != about.faces:
        raise BenchmarkFailed("The snapshot was not what was written.")
    return {
        "write_seconds": round(written - started, 2),
        "load_seconds": round(ended - written, 2),
        "bytes_per_face": round(size_bytes / about.faces, 1),
    }


def measure_store(faces: MadeFaces, *, most: int) -> dict[str, Any]:
    """Enrol faces into a store of its own, and build the index by reading all of them.

    Args:
        faces: Of which the first so many are enrolled, 10 a person.
        most: How many at most.

    Raises:
        BenchmarkFailed: the index has other faces than were enrolled.
        CliError: the store does not start.
    """
    with running_store() as client:
        seals = VaultSeals(MemoryVault())
        identities = open_identities(client, Settings(), seals)
        empty_bytes = _used_bytes(client)
        started = time.perf_counter()
        count = _enrol(identities, faces.stored()[:most])
        enrolled = time.perf_counter()
        follower = Follower(_UID, identities.log, identities.persons, exact_faces=count)
        follower.follow()
        followed = time.perf_counter()
        follower.follow()
        ended = time.perf_counter()
        stored_bytes = _used_bytes(client) - empty_bytes
    if follower.faces != count:
        raise BenchmarkFailed("The index is not what was enrolled.")
    return {
        "faces": count,
        "enrolled_per_second": round(count / (enrolled - started)),
        "indexed_per_second": round(count / (followed - enrolled)),
        "follow_nothing_ms": round((ended - followed) * 1000, 2),
        "store_bytes_per_face": round(stored_bytes / count),
    }


def _enrol(identities: Identities, vectors: np.ndarray[Any, Any]) -> int:
    new = NewCollection(uid=_UID, id="benchmark", owner="benchmark")
    identities.collections.create(new, most=1, audit=_AUDIT)
    for first in range(0, len(vectors), MOST_LISTED // 10):
        person = f"person-{first:08d}"
        identities.persons.put(_UID, NewPerson(id=person), audit=_AUDIT)
        part = vectors[first : first + MOST_LISTED // 10]
        identities.persons.add_faces(
            _UID,
            person,
            [_new_face(first + place, vector) for place, vector in enumerate(part)],
            contract=_CONTRACT,
            audit=_AUDIT,
        )
    return len(vectors)


def _new_face(row: int, vector: np.ndarray[Any, Any]) -> NewFace:
    return NewFace(
        id=f"face_{row:032x}",
        vector=vector.astype("<f2").tobytes(),
        quality=None,
        source_sha256="",
        origin="import",
        added_by="benchmark",
    )


def _used_bytes(client: redis.Redis) -> int:
    return int(client.info("memory")["used_memory"])
