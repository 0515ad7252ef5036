"""Why a model is where it is: what `facesocial vram explain` says, from the gateway's answers."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

#: An entry's state as what it means for somebody who asks for the model.
_STATES = {
    "reserved": "room is kept for it; its load begins when those that leave for it are gone",
    "loading": "it is being loaded",
    "ready": "it is loaded",
    "draining": "it is to leave, and takes no new work; it is unloaded when the last use has ended",
    "unloading": "it is being unloaded",
    "lost": "its worker is silent; its memory counts as taken until the device is read",
}
#: Answers of the ledger that sent a request elsewhere.
_NO = {"cpu", "wait", "refuse"}


def explanation(
    model: Mapping[str, Any],
    devices: Sequence[Mapping[str, Any]],
    events: Sequence[Mapping[str, Any]],
) -> list[str]:
    """The lines of the explanation.

    Args:
        model: Of `/api/v1/system/models`.
        devices: Of `/api/v1/system/vram`.
        events: The model's latest, oldest first.
    """
    return [
        *_model(model),
        *_places(model, devices),
        *_future(model, devices, events),
        *_past(events),
    ]


def _model(model: Mapping[str, Any]) -> Iterator[str]:
    size = f"{model['vram_mb']} MiB ({model['vram_basis'].replace('_', ' ')})"
    if not model["vram_mb"]:
        size = "no memory of a device: it has no form that runs there"
    told = f"{model['id']} does {model['task']}, is of {model['priority']} priority"
    yield f"{told} and takes {size}."
    times = [
        f"{text} {model[name]:.0f} ms"
        for name, text in (("gpu_ms", "on a GPU"), ("cpu_ms", "on the CPU"), ("load_ms", "to load"))
        if model[name] is not None
    ]
    if times:
        yield f"Measured: {', '.join(times)}."


def _places(model: Mapping[str, Any], devices: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    held = {place["device"]: place for place in model["devices"]}
    for device in devices:
        place = held.get(device["id"], {"entries": [], "history": None})
        silent = "" if device["alive"] else " (its worker is silent)"
        told = [_entry(entry) for entry in place["entries"]] or ["it is not there"]
        yield f"{device['id']}{silent}: {'; '.join(told)}.{_history(place['history'])}"
    if not devices:
        yield "No GPU worker is registered, so it runs on the CPU."


def _entry(entry: Mapping[str, Any]) -> str:
    told = f"{_STATES[entry['state']]} ({entry['vram_mb']} MiB)"
    if entry["pins"]:
        told += f", in use by {entry['pins']}"
    elif entry["idle_seconds"] is not None:
        told += f", idle for {entry['idle_seconds']:.0f} s"
    if entry["keep"]:
        told += ", pinned: nothing pushes it out"
    if entry["loan"]:
        told += ", on loan: its room belongs to a higher class, which may have it back any time"
    return told


def _history(history: Mapping[str, Any] | None) -> str:
    if history is None:
        return ""
    told = f" Loaded {history['loads']} times, pushed out {history['evictions']} times."
    if history["failures"]:
        told += f" Its last {history['failures']} loads failed."
    return told


def _future(
    model: Mapping[str, Any],
    devices: Sequence[Mapping[str, Any]],
    events: Sequence[Mapping[str, Any]],
) -> Iterator[str]:
    """What would have to happen, on every living device that does not have it."""
    if not model["vram_mb"]:
        return
    held = {place["device"] for place in model["devices"] if place["entries"]}
    for device in devices:
        if device["id"] in held or not device["alive"]:
            continue
        refusals = [
            event
            for event in events
            if event["device"] == device["id"] and event["detail"].get("answer") in _NO
        ]
        if refusals:
            yield f"To be on {device['id']}: {refusals[-1]['message']}"
        else:
            yield f"To be on {device['id']}: {_room(model, device)}"


def _room(model: Mapping[str, Any], device: Mapping[str, Any]) -> str:
    needed_mb, free_mb = model["vram_mb"], device["available_mb"]
    if needed_mb <= free_mb:
        return f"a job has to ask for it; {free_mb} MiB are free."
    if needed_mb > device["usable_mb"]:
        return f"it does not fit; {device['usable_mb']} MiB are all that models may take."
    # What a class may own: its zone and those below; nobody leaves for more.
    order = ("flexible", "high_priority", "critical")
    below = order[: order.index(model["zone"]) + 1]
    own_mb = sum(device["zone_usage"][zone]["capacity_mb"] for zone in below)
    if needed_mb > own_mb:
        return (
            f"nobody leaves for it, since its class may own {own_mb} MiB; a job has to ask for it "
            f"while {needed_mb} MiB are free. Now {free_mb} MiB are."
        )
    return (
        f"a job has to ask for it, and models of at least {needed_mb - free_mb} MiB, of no higher "
        f"class and not in use, have to leave; {free_mb} MiB are free."
    )


def _past(events: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    if not events:
        yield "Nothing has happened to it yet."
        return
    yield "What happened, latest first:"
    for event in reversed(events):
        yield f"  {event['at'][11:23]}  {event['device']}  {event['message']}"
