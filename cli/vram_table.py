"""What `facesocial vram top` shows."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.box import SIMPLE
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

#: Cells of the bar that shows how full a device is.
_BAR = 40
_STYLES = {
    "ready": "green",
    "loading": "yellow",
    "reserved": "yellow",
    "draining": "magenta",
    "unloading": "magenta",
    "lost": "red",
}
_ORDER = {"critical": 0, "high": 1, "medium": 2, "low": 3}


def tables_of(look: Mapping[str, Any]) -> RenderableType:
    """Every device with its zones and models, then the CPU workers.

    Args:
        look: `vram`, `devices` and `cpu` as the gateway answers them.
    """
    routed = {device["id"]: device for device in look["devices"]}
    parts: list[RenderableType] = []
    for device in look["vram"]:
        parts += [_title(device, routed.get(device["id"])), _bar(device), _zones(device)]
        parts.append(_models(device["models"]))
    if not look["vram"]:
        parts.append(Text("No GPU worker is registered; all work is the CPU's."))
    cpu = look["cpu"]
    waiting = _waiting(cpu["waiting_jobs"])
    parts.append(Text(f"CPU workers: {cpu['processes']} processes, {waiting}"))
    return Group(*parts)


def _title(device: Mapping[str, Any], routed: Mapping[str, Any] | None) -> Text:
    text = Text()
    text.append(device["id"], style="bold")
    text.append(f"  {device['name']}")
    if device["kind"] == "simulated" and "simulated" not in device["name"]:
        text.append("  simulated", style="yellow")
    if not device["alive"]:
        text.append(f"  silent for {device['silent_seconds']:.0f} s", style="bold red")
    if device["pressure"]:
        text.append("  memory is short", style="bold yellow")
    if not device["verified"]:
        text.append("  not compared with the card", style="yellow")
    if routed is not None:
        if routed["breaker"] != "closed":
            text.append(f"  breaker {routed['breaker'].replace('_', ' ')}", style="bold red")
        text.append(f"  {_waiting(routed['waiting_jobs'])}")
    return text


def _bar(device: Mapping[str, Any]) -> Text:
    total_mb = max(1, device["total_mb"])
    kept = device["kept_out"]
    ours = round(_BAR * device["allocated_mb"] / total_mb)
    others = round(_BAR * sum(kept.values()) / total_mb)
    free = max(0, _BAR - ours - others)
    text = Text()
    text.append("█" * ours, style="green")
    text.append("▒" * others, style="blue")
    text.append("·" * free, style="dim")
    text.append(
        f"\nMiB: {device['total_mb']} in all, {device['allocated_mb']} models, "
        f"{sum(kept.values())} kept out ({kept['foreign_mb']} foreign), "
        f"{device['available_mb']} free"
    )
    return text


def _zones(device: Mapping[str, Any]) -> Text:
    told = []
    for name, zone in device["zone_usage"].items():
        loan = f" + {zone['loan_mb']} on loan" if zone["loan_mb"] else ""
        told.append(f"{name} {zone['used_mb']}{loan} / {zone['capacity_mb']}")
    return Text("zones: " + ", ".join(told))


def _models(models: Sequence[Mapping[str, Any]]) -> Table:
    table = Table(box=SIMPLE, pad_edge=False, padding=(0, 1, 0, 0))
    for name in ("model", "state", "MiB", "class", "pins", "age", "idle", "notes"):
        right = name in {"MiB", "pins", "age", "idle"}
        table.add_column(name, justify="right" if right else "left", no_wrap=True)
    for model in sorted(models, key=lambda one: (_ORDER[one["priority"]], one["model"])):
        table.add_row(*_row(model))
    if not models:
        table.add_row("nothing is loaded")
    return table


def _row(model: Mapping[str, Any]) -> Iterator[str | Text]:
    yield model["model"]
    yield Text(model["state"], style=_STYLES.get(model["state"], ""))
    yield str(model["vram_mb"])
    yield model["priority"]
    yield str(model["pins"])
    yield _seconds(model["age_seconds"])
    yield _seconds(model["idle_seconds"])
    yield ", ".join(word for word in ("loan", "keep") if model[word])


def _seconds(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    if seconds < 60:  # noqa: PLR2004 - a minute
        return f"{seconds:.0f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 60 else f"{minutes / 60:.1f} h"  # noqa: PLR2004 - an hour


def _waiting(waiting: Mapping[str, int]) -> str:
    return f"waiting: {waiting['interactive']} interactive, {waiting['bulk']} bulk"
