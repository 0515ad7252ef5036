"""Codes of the ledger and the router as sentences: what happened, and what would have to happen.

Each reason, route and event has one sentence with its figures; docs/reference/vram.md lists the
codes. A test insists that none is missing.
"""

from collections.abc import Mapping
from typing import Final

from vram.answers import Reason, Reservation
from vram.records import Event
from vram.routing import Route, RouteReason

#: Answers of the ledger to "may this model run here?". Figures: those of a Reservation.
ANSWERS: Final[Mapping[Reason, str]] = {
    "access_existing": "{model} is on the device.",
    "direct_allocation": "{model} is loaded into free room ({vram_mib} MiB).",
    "eviction_based_allocation": (
        "{model} is loaded ({vram_mib} MiB) as soon as {victims} has left for it."
    ),
    "loading": "{model} is being loaded already and should be there in {retry_ms}.",
    "draining": (
        "{model} is just leaving the device. It can be loaded again when that has ended, in about "
        "{retry_ms}."
    ),
    "insufficient_vram": (
        "{model} does not fit: {short_mib} MiB are missing of what its class may ever take here. "
        "It needs a larger card, a larger share for its zone, a smaller batch size, or other "
        "programs off the card."
    ),
    "no_eviction_candidates": (
        "{short_mib} MiB are missing for {model}, and no model may leave for it: all are in use, "
        "kept, or of a higher class. It fits when one of them is done, unpinned or unloaded."
    ),
    "eviction_insufficient": (
        "{short_mib} MiB are missing for {model} even if every model that may leave for it left. "
        "It fits when models in use are done, or kept ones are unpinned."
    ),
    "rent_not_earned": (
        "{model} would push out models that are used more. It comes when running it elsewhere "
        "has cost {rent_needed_ms}; so far it has cost {rent_ms}. Loading it by name brings it "
        "at once."
    ),
    "residents_too_young": (
        "The models that would have to leave for {model} were loaded only just now. They may "
        "leave in {retry_ms}."
    ),
    "eviction_rate": (
        "{model} would push out others, and the device has made all the evictions of a minute "
        "(FACESOCIAL_VRAM_EVICTIONS_PER_MINUTE). It may in {retry_ms}."
    ),
    "zone_full": (
        "The zone of {model} holds as many models as it may (FACESOCIAL_VRAM_HIGH_MODELS, "
        "FACESOCIAL_VRAM_FLEXIBLE_MODELS), and none may leave. One has to be unloaded."
    ),
    "no_free_room": (
        "{model} was to be loaded into free room only, and {short_mib} MiB are missing."
    ),
    "load_backoff": "The last load of {model} failed. It is tried again in {retry_ms}.",
    "quarantined": (
        "Loads of {model} failed too often in a row, so it is left alone. Loading it by name "
        "(`POST /api/v1/system/models/{model}/load`) tries again."
    ),
}

#: Routes of jobs. Figures: `Route.detail`.
ROUTES: Final[Mapping[RouteReason, str]] = {
    "resident": "{device} holds every model the job needs; {ahead} jobs are ahead.",
    "loading": "{device} is loading {models}; {ahead} jobs are ahead.",
    "direct_allocation": (
        "{device} has room to load {models} ({needed_mib} MiB); {ahead} jobs are ahead."
    ),
    "eviction_based_allocation": (
        "{device} can load {models} ({needed_mib} MiB) if models that are used less leave; "
        "{ahead} jobs are ahead."
    ),
    "partial_fit": (
        "{device} takes the job, but {models} will run on its host's CPU: {short_mib} MiB are "
        "missing on the device. They run on it when models are unloaded or unpinned."
    ),
    "cpu_faster": (
        "The CPU is expected to be done sooner, after {cpu_ms} instead of {device_ms}: {ahead} "
        "jobs wait for {device}. Interactive jobs wait for it."
    ),
    "insufficient_vram": (
        "No device can have any of the job's models now; {device} lacks {short_mib} MiB. It takes "
        "such jobs when models are unloaded or unpinned, or with a larger share for their zone."
    ),
    "cpu_only_models": "The job's models have no form that runs on a GPU.",
    "breaker_open": (
        "The device failed too many jobs in a row and rests for a while; then one job at a time is "
        "tried there. Its worker's log says what failed."
    ),
    "no_gpu_device": (
        "No GPU worker is running, so the CPU does the job. If one was started, look into its log."
    ),
    "ledger_unavailable": (
        "The ledger's store did not answer, so no GPU work is admitted. Later jobs are sent to "
        "devices again as soon as it does."
    ),
}

#: What happened on a device: "operation why" → sentence. Decisions of `reserve` are in ANSWERS.
#: Figures: the event's detail and sums.
EVENTS: Final[Mapping[str, str]] = {
    "register registered": "A worker registered the device: {usable} MiB for models.",
    "register data_lost": (
        "A worker registered the device after the store had lost its data: what is on it counts "
        "as foreign until it is read."
    ),
    "register superseded": (
        "{model} went with the former worker's process; its memory counts as foreign until the "
        "device is read."
    ),
    "reserve evicted": "{model} has to leave for {asker}, and takes no new work.",
    "reserve promoted": "{model} was a loan; its class has room now, so it owns its place.",
    "begin room": "The load of {model} begins.",
    "begin wait": "{model} waits to be loaded until those that leave for it are gone.",
    "begin nvml": (
        "{model} waits to be loaded: the device itself says that only {free_mib} MiB are free."
    ),
    "loaded loaded": "{model} was loaded in {load_ms} and takes {vram_mib} MiB.",
    "loaded over": "{model} has to leave: {asker} turned out larger than it was thought to be.",
    "adjust grew": "{model} takes more than was booked: {vram_mib} MiB instead of {before_mib}.",
    "adjust shrank": "{model} takes less than was booked: {vram_mib} MiB instead of {before_mib}.",
    "adjust over": "{model} has to leave: {asker} takes more than was booked.",
    "unloading unused": "Nobody uses {model} any more; its unload begins.",
    "unloaded unloaded": "{model} is unloaded, and the device has its memory back.",
    "unloaded missing": (
        "{model} is unloaded. The device did not give back {missing_mib} MiB of it yet; they count "
        "as foreign."
    ),
    "keep keep_on": "{model} is pinned: nothing pushes it out.",
    "keep keep_off": "{model} is not pinned any more.",
    "beat held_again": "The worker that was silent still has {model}; it leaves, to be safe.",
    "sweep lease_ended": (
        "The worker of {model} is silent. Its memory counts as taken until the device is read."
    ),
    "sweep load_ended": "The load of {model} took too long and was given up.",
    "sweep reserve_ended": "Room was kept for {model}, and its load never began.",
    "sweep clock_set_back": "The server's clock was set back; the times of {model} follow it.",
    "sweep written_off": (
        "Nobody confirmed that {model} is gone; its memory counts as foreign until the device is "
        "read."
    ),
    "observe foreign_grew": (
        "More is taken on the device than the ledger knows of: {foreign} MiB are not ours."
    ),
    "observe foreign_shrank": "Memory that was not ours came back: {foreign} MiB are left.",
    "observe pressure_on": "The device is nearly full: idle models of lower classes leave.",
    "observe pressure_off": "The device has room again.",
    "observe over": "{model} has to leave: more is taken on the device than it has for models.",
    "observe idle": "{model} was idle while memory is short, and leaves.",
    "relieve out_of_memory": "The device ran out of memory; {model} was idle and leaves.",
    "relieve no_eviction_candidates": (
        "The device ran out of memory under {model}, and nobody idle could leave for it."
    ),
    "out_of_memory": "The device ran out of memory under {model}; what was tried: {step}.",
    "fail out_of_memory": (
        "The device ran out of memory while {model} was loaded, {failures} times in a row now."
    ),
    "fail load_failed": (
        "{model} could not be loaded, {failures} times in a row now. The worker's log has the "
        "reason."
    ),
    "fail device_fault": "The device failed while {model} was loaded.",
    "fail begin_wait": "Those that leave for {model} took too long; its load was given up.",
    "fail begin_nvml": (
        "The device never had as much free as {model} needs; its load was given up."
    ),
    "fail broken_off": (
        "The load of {model} was broken off: its worker was stopped, or met a fault."
    ),
    "fail": "The load of {model} failed ({why}), {failures} times in a row now.",
    "drain idle": "{model} was idle for longer than it may be, and leaves.",
    "drain command": "{model} leaves because somebody asked for that.",
    "drain optimize": "{model} was idle when somebody asked to make room, and leaves.",
    "drain session_lost": "{model} can't run any more where it is loaded, and leaves.",
    "drain not_held": "Its worker does not have {model} any more, so its entry goes.",
    "drain": "{model} has to leave ({why}).",
    "command forgotten": "Too many wishes waited; the oldest one was forgotten.",
    "command": "Somebody asked: {why} {model}.",
    "done": "{why} {model}: {answer}.",
}
#: Where an event has no figure of its own.
_UNKNOWN = "?"


class _Figures(dict[str, str]):
    """Figures by name; what is missing is said to be unknown."""

    def __missing__(self, key: str) -> str:
        return _UNKNOWN


def duration(milliseconds: float) -> str:
    """A time as people say it: 250 ms, 1.5 s, 3 min."""
    if milliseconds < 1000:  # noqa: PLR2004 - a second
        return f"{milliseconds:.0f} ms"
    seconds = milliseconds / 1000
    return f"{seconds:.1f} s" if seconds < 90 else f"{seconds / 60:.0f} min"  # noqa: PLR2004 - 1.5 min


def of_reservation(model: str, answer: Reservation) -> str:
    """An answer of the ledger as a sentence."""
    figures = {
        "vram_mib": answer.vram_mib,
        "short_mib": answer.short_mib,
        "retry_ms": answer.retry_ms,
        "rent_ms": answer.rent_ms,
        "rent_needed_ms": answer.rent_needed_ms,
        "victims": ", ".join(victim.model for victim in answer.victims),
    }
    return _filled(ANSWERS[answer.reason], model, figures)


def of_route(route: Route) -> str:
    """A route as a sentence."""
    return _filled(ROUTES[route.reason], None, route.detail)


def of_event(event: Event) -> str:
    """An event of a device as a sentence; one of a newer version by its codes."""
    known = {**EVENTS, **{f"reserve {why}": text for why, text in ANSWERS.items()}}
    kept = event.op == "unloaded" and event.detail.get("missing_mib", "0") != "0"
    why = "missing" if kept else event.why
    text = known.get(f"{event.op} {why}") or known.get(event.op)
    if text is None:
        text = "{op}: {why} {model}"
    figures: dict[str, object] = {
        "op": event.op,
        "why": event.why.replace("_", " "),
        "usable": event.usable_mib,
        "foreign": event.foreign_mib,
        "vram_mib": event.entry.vram_mib if event.entry else _UNKNOWN,
        **event.detail,
    }
    return _filled(text, event.model, figures)


def _filled(text: str, model: str | None, figures: Mapping[str, object]) -> str:
    told = {name: _told(name, value) for name, value in figures.items()}
    return text.format_map(_Figures(model=model or "the device", **told))


def _told(name: str, value: object) -> str:
    if name.endswith("_ms"):
        try:
            return duration(float(str(value)))
        except ValueError:
            return str(value)
    return str(value) or "nothing"
