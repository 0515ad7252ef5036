"""The keys of a large collection: what sealing, opening and destroying cost, and how large it is.

Keys are destroyed at random, which is the worst case: those of neighbours share nodes.
"""

import json
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from workers.identities.folder_vault import FolderVault
from workers.identities.key_file import KeyFile, new_key_file
from workers.identities.keys import VaultSeals

_UID = "col_" + "0" * 32
#: 512 dimensions x float16: what most seals hold.
_VECTOR = bytes(1024)
#: Leaves that one round of forgetting destroys together.
_BATCH = 1000
_PURPOSE = "face face_00000000000000000000000000000000"


def keys(
    *,
    leaves: Annotated[int, typer.Option(min=1000, help="Of persons and faces.")] = 1_000_000,
    destroyed: Annotated[int, typer.Option(min=1, help="Of them, at random.")] = 10_000,
    calls: Annotated[int, typer.Option(min=100, help="Of each kind.")] = 20_000,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, not a table.")] = False,
) -> None:
    """Destroy some keys of a large collection; then seal and open."""
    folder = Path(tempfile.mkdtemp(prefix="facesocial-keys-"))
    try:
        report = _measured(folder, leaves=leaves, destroyed=destroyed, calls=calls)
    finally:
        shutil.rmtree(folder)
    if as_json:
        json.dump(report, sys.stdout, indent=2)
    else:
        _print(report)


def _measured(folder: Path, *, leaves: int, destroyed: int, calls: int) -> dict[str, Any]:
    vault, chance = FolderVault(folder), random.Random(1)  # noqa: S311 - the same every time
    seals = VaultSeals(vault)
    seals.create(_UID)
    doomed = chance.sample(range(leaves), destroyed)
    chosen = [chance.randrange(leaves) for _ in range(calls)]
    gone = set(doomed)
    alive = [leaf for leaf in chosen if leaf not in gone]
    report: dict[str, Any] = {"leaves": leaves, "destroyed": destroyed, "calls": len(alive)}
    report["file_bytes_at_first"] = len(vault.read(_UID) or b"")
    rounds = [doomed[place : place + _BATCH] for place in range(0, destroyed, _BATCH)]
    took = [_seconds(partial(seals.destroy_leaves, _UID, batch)) for batch in rounds]
    report["destroy_1000_ms"] = round(sorted(took)[len(took) // 2] * 1000, 1)
    content = vault.read(_UID) or b""
    report["file_bytes"] = len(content)
    report["neighbours_file_bytes"] = len(_of_neighbours(destroyed).to_bytes())
    fresh = VaultSeals(vault)
    sealed: dict[int, bytes] = {}
    report["first_seal_ms"] = round(_seconds(lambda: _seal(fresh, alive[:1], sealed)) * 1000, 2)
    cold = VaultSeals(vault)
    cold.tag(_UID, "")  # reads the file
    report["seal_us"] = _each_us(lambda: _seal(cold, alive, sealed), len(alive))
    report["open_us"] = _each_us(lambda: _open(cold, alive, sealed), len(alive))
    again = VaultSeals(vault)
    again.tag(_UID, "")
    report["open_cold_us"] = _each_us(lambda: _open(again, alive, sealed), len(alive))
    return report


def _of_neighbours(count: int) -> KeyFile:
    return new_key_file(_UID).without(range(count))


def _seal(seals: VaultSeals, leaves: list[int], into: dict[int, bytes]) -> None:
    for leaf in leaves:
        into[leaf] = seals.seal(_UID, leaf, _VECTOR, purpose=_PURPOSE)


def _open(seals: VaultSeals, leaves: list[int], sealed: dict[int, bytes]) -> None:
    for leaf in leaves:
        seals.open(_UID, leaf, sealed[leaf], purpose=_PURPOSE)


def _seconds(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def _each_us(call: Callable[[], object], count: int) -> float:
    return round(_seconds(call) / count * 1e6, 1)


def _print(report: dict[str, Any]) -> None:
    table = Table("what", "value", title="Keys of a collection")
    for name, value in report.items():
        table.add_row(name, f"{value:,}")
    Console().print(table)
