"""What routers are told of a device."""

from vram.records import Device, DeviceState, Entry, Priority, State
from vram.summary import summarise

DEVICE = Device(
    id="host/sim:1000",
    kind="simulated",
    name="simulated device",
    host="host",
    total_mib=1000,
    reserved_mib=0,
    context_mib=0,
    headroom_mib=100,
    verified=True,
    incarnation=7,
)


def entry(
    gen: int,
    priority: Priority,
    *,
    state: State = State.READY,
    keep: bool = False,
    pins: dict[str, int] | None = None,
) -> Entry:
    return Entry(
        gen=gen,
        model=f"{priority}_{gen}",
        state=state,
        priority=priority,
        vram_mib=gen,
        loan=False,
        keep=keep,
        incarnation=7,
        since_ms=0,
        used_ms=0,
        lease_ms=0,
        deadline_ms=0,
        pins=pins or {},
        inflation=0.0,
    )


def state(*entries: Entry) -> DeviceState:
    return DeviceState(
        device=DEVICE,
        now_ms=0,
        entries=entries,
        stats={},
        foreign_mib=50,
        pressure=True,
        version=3,
        silent_seconds=0.0,
        alive=True,
        observed_mib=None,
        observed_ms=None,
        counters={},
    )


def test_models_and_room_are_told() -> None:
    summary = summarise(
        state(
            entry(100, "high"),
            entry(10, "low", state=State.RESERVED),
            entry(20, "medium", state=State.LOADING),
            entry(30, "low", state=State.DRAINING),
        )
    )

    assert summary.id == "host/sim:1000"
    assert (summary.kind, summary.incarnation, summary.version) == ("simulated", 7, 3)
    assert summary.resident == ("high_100",)
    assert summary.coming == ("low_10", "medium_20")
    assert summary.usable_mib == 1000 - 100 - 50
    # What leaves gives its room back.
    assert summary.free_mib == 850 - 100 - 10 - 20
    assert summary.pressure is True


def test_a_class_may_make_its_own_and_lower_ones_leave_but_nothing_in_use_kept_or_critical() -> (
    None
):
    summary = summarise(
        state(
            entry(1, "critical"),
            entry(2, "high"),
            entry(4, "medium"),
            entry(8, "low"),
            entry(16, "low", keep=True),
            entry(32, "low", pins={"job": 9}),
            entry(64, "low", state=State.DRAINING),
            entry(128, "low", state=State.LOADING),
            entry(600, "critical"),
        )
    )

    assert summary.evictable_mib == {"critical": 14, "high": 14, "medium": 12, "low": 8}


def test_nobody_leaves_for_more_than_a_class_may_own() -> None:
    summary = summarise(state(entry(700, "low")))

    # With the 150 that are free: 900 in all, and of those two thirds and a quarter.
    assert summary.free_mib == 150
    assert summary.evictable_mib == {"critical": 700, "high": 450, "medium": 75, "low": 75}
