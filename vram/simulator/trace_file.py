"""Loads from files: one JSON object a line, or CSV.

JSONL has requests, `{"at_ms": 120, "model": "sface", "items": 2}`, and before the first request of
a model of one's own its description, `{"define": "mine", "vram_mib": 300, "load_ms": 800, "gpu_ms":
9, "cpu_ms": 90}`, with `priority` and `has_fallback` where they are not medium and true. CSV has
the columns `at_ms`, `model` and `items`. `items` may be left out: 1. Lines need not be in order.
"""

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from vram.errors import TraceInvalid
from vram.records import Priority
from vram.simulator.trace import Request, SimulatedModel, Trace

#: Finds a model the file does not define.
Known = Callable[[str], SimulatedModel]


class _Line(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _RequestLine(_Line):
    at_ms: int = Field(ge=0)
    model: str
    items: int = Field(default=1, ge=1)


class _ModelLine(_Line):
    define: str
    vram_mib: int = Field(gt=0)
    load_ms: float = Field(gt=0)
    gpu_ms: float = Field(ge=0)
    cpu_ms: float = Field(ge=0)
    priority: Priority = "medium"
    has_fallback: bool = True


def read_trace(path: Path, known: Known) -> Trace:
    """Read a load.

    Args:
        path: `.csv`; anything else is JSONL.
        known: Answers for models the file does not define. What it raises is passed on.

    Raises:
        TraceInvalid: the file can't be read, holds no requests, or a line is wrong; the message
            names the line.
    """
    models: dict[str, SimulatedModel] = {}
    requests = []
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise TraceInvalid(f"{path} can't be read: {error}") from error
    lines = _csv(text) if path.suffix == ".csv" else _jsonl(text, path)
    for number, fields in lines:
        try:
            if "define" in fields:
                model = _defined(fields)
                models[model.id] = model
                continue
            line = _RequestLine.model_validate(fields)
        except ValidationError as error:
            raise TraceInvalid(f"{path}, line {number}: {_first(error)}") from error
        if line.model not in models:
            models[line.model] = known(line.model)
        requests.append(Request(at_ms=line.at_ms, model=line.model, items=line.items))
    if not requests:
        raise TraceInvalid(f"{path} holds no requests.")
    requests.sort(key=lambda request: request.at_ms)
    return Trace(name=path.name, models=models, requests=tuple(requests))


def _defined(fields: Mapping[str, Any]) -> SimulatedModel:
    line = _ModelLine.model_validate(fields)
    return SimulatedModel(id=line.define, **line.model_dump(exclude={"define"}))


def _jsonl(text: str, path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            fields = json.loads(line)
        except ValueError as error:
            raise TraceInvalid(f"{path}, line {number}: no JSON: {error}") from error
        if not isinstance(fields, dict):
            raise TraceInvalid(f"{path}, line {number}: no JSON object.")
        yield number, fields


def _csv(text: str) -> Iterable[tuple[int, Mapping[str, Any]]]:
    return enumerate(csv.DictReader(text.splitlines()), start=2)


def _first(error: ValidationError) -> str:
    found = error.errors()[0]
    return f"{'.'.join(str(part) for part in found['loc'])}: {found['msg']}"
