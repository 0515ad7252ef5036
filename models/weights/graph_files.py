"""Graphs that were made here, kept beside a record of their hash, so that damage is seen."""

import hashlib
from pathlib import Path

import structlog
from pydantic import BaseModel, ConfigDict, ValidationError

from models.spec import Sha256
from models.weights.files import sha256_of, write_whole

_log = structlog.get_logger()


class _Record(BaseModel):
    """What is kept beside a graph."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sha256: Sha256
    size_bytes: int


def looks_whole(path: Path) -> bool:
    """Whether the graph is there in its recorded size; `find_graph` hashes it."""
    record = _read_record(path)
    return record is not None and path.is_file() and path.stat().st_size == record.size_bytes


def find_graph(path: Path) -> Path | None:
    """The graph's path, if it is there and undamaged."""
    record = _read_record(path)
    if record is None or not path.is_file() or sha256_of(path) != record.sha256:
        return None
    return path


def put_graph(path: Path, content: bytes) -> None:
    """Store a graph and its record; the caller holds the lock of that path.

    Raises:
        OSError: the disk refused.
    """
    record = _Record(sha256=hashlib.sha256(content).hexdigest(), size_bytes=len(content))
    path.parent.mkdir(parents=True, exist_ok=True)
    # The record last: a graph without one is made anew.
    write_whole(path, content)
    write_whole(_record_path(path), record.model_dump_json().encode())


def _record_path(path: Path) -> Path:
    return path.with_suffix(".json")


def _read_record(path: Path) -> _Record | None:
    try:
        return _Record.model_validate_json(_record_path(path).read_bytes())
    except FileNotFoundError:
        return None
    except ValidationError:
        _log.warning("weights_record_unreadable", path=str(_record_path(path)))
        return None
