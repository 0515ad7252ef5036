"""The holder of a device is killed before and after every call: what the ledger says then."""

import dataclasses
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import redis

from tests.properties.mortal import (
    EMPTY_MIB,
    LEASE_SECONDS,
    STEPS,
    UNLOAD_SECONDS,
    ask,
    device,
)
from vram.errors import UnknownDevice
from vram.invariants import check_state, check_stream
from vram.ledger import VramLedger
from vram.records import DeviceState, State
from vram.redis_ledger import RedisLedger

pytestmark = pytest.mark.redis
MOMENTS = [(step, when) for step in STEPS for when in ("before", "after")]
#: Nothing was registered yet.
UNBORN = ("register", "before")
BORN = [moment for moment in MOMENTS if moment != UNBORN]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Graveyard:
    """A ledger in which a holder has died at every moment, each on a device of its own."""

    ledger: VramLedger
    #: The devices a lease after that, by moment.
    a_lease_later: Mapping[tuple[str, str], DeviceState]
    #: And when the time to unload was over too.
    in_the_end: Mapping[tuple[str, str], DeviceState]


@pytest.fixture(scope="module")
def graveyard(valkey_port: int, root: Path) -> Iterator[Graveyard]:
    command = [sys.executable, "-m", "tests.properties.mortal", "--port", str(valkey_port)]
    with redis.Redis(port=valkey_port, db=1, socket_timeout=10) as client:
        client.flushdb()
        processes = [
            subprocess.Popen([*command, "--step", step, "--when", when], cwd=root)
            for step, when in MOMENTS
        ]
        ends = [process.wait(timeout=120) for process in processes]
        assert ends == [-signal.SIGKILL] * len(MOMENTS)
        ledger = RedisLedger(client, silent_seconds=LEASE_SECONDS)
        time.sleep(LEASE_SECONDS)
        later = {moment: ledger.state(died(moment)) for moment in MOMENTS if moment != UNBORN}
        time.sleep(UNLOAD_SECONDS + 0.1)
        end = {moment: ledger.state(died(moment)) for moment in MOMENTS if moment != UNBORN}
        yield Graveyard(ledger=ledger, a_lease_later=later, in_the_end=end)
        client.flushdb()


def died(moment: tuple[str, str]) -> str:
    """The device on which it happened."""
    return f"box/{moment[0]}-{moment[1]}"


def held_mib(moment: tuple[str, str]) -> int:
    """What the holder had begun to load and not told to be gone."""
    begun, ended = STEPS.index("begin"), STEPS.index("unloaded")
    number = STEPS.index(moment[0]) + (moment[1] == "after")
    return 600 if begun < number <= ended else 0


@pytest.mark.parametrize("moment", BORN, ids="-".join)
def test_one_lease_after_the_end_nothing_of_the_dead_is_served_or_forgotten(
    graveyard: Graveyard, moment: tuple[str, str]
) -> None:
    state = graveyard.a_lease_later[moment]

    assert not state.alive
    assert not check_state(state)
    assert {entry.state for entry in state.entries} <= {State.LOST, State.UNLOADING}
    # What was only reserved is free; what was begun may be there still, and nobody has looked.
    assert state.physical_mib + state.foreign_mib == held_mib(moment)


@pytest.mark.parametrize("moment", BORN, ids="-".join)
def test_without_a_next_holder_what_is_not_seen_to_be_free_is_foreign(
    graveyard: Graveyard, moment: tuple[str, str]
) -> None:
    state = graveyard.in_the_end[moment]

    assert not state.entries
    assert state.foreign_mib == held_mib(moment)


@pytest.mark.parametrize("moment", MOMENTS, ids="-".join)
def test_the_next_holder_can_work_and_what_the_dead_still_says_changes_nothing(
    graveyard: Graveyard, moment: tuple[str, str]
) -> None:
    ledger, device_id = graveyard.ledger, died(moment)
    mine = ledger.next_incarnation(device_id)

    ledger.register(device(device_id, mine))

    told = ledger.observe(device_id, mine, used_mib=EMPTY_MIB, version=ledger.version(device_id))
    assert (told.verdict, told.foreign_mib) == ("ok", 0)
    gen = ledger.reserve(device_id, mine, ask("next")).gen
    assert gen is not None
    assert ledger.begin(device_id, mine, gen, free_mib=900) == "ok"
    refuse_zombie(ledger, device_id, gen, old=mine - 1)
    assert ledger.loaded(device_id, mine, gen, vram_mib=600, load_ms=5.0).verdict == "ok"
    refuse_zombie(ledger, device_id, gen, old=mine - 1)
    assert not check_stream(device(device_id, mine), ledger.follow(device_id))


def refuse_zombie(ledger: VramLedger, device_id: str, gen: int, *, old: int) -> None:
    """Say everything that the dead may still have had on their way."""
    before = ledger.state(device_id)
    for call in (
        lambda: ledger.register(device(device_id, old)),
        lambda: ledger.observe(device_id, old, used_mib=0, version=before.version),
        lambda: ledger.reserve(device_id, old, ask("zombie")),
        lambda: ledger.begin(device_id, old, gen, free_mib=900),
        lambda: ledger.loaded(device_id, old, gen, vram_mib=1, load_ms=1.0),
        lambda: ledger.adjust(device_id, old, gen, vram_mib=1),
        lambda: ledger.fail(device_id, old, gen, why="zombie"),
        lambda: ledger.pin(device_id, old, gen, token="z", seconds=1.0),  # noqa: S106 - a pin
        lambda: ledger.unpin(device_id, old, gen, token="z"),  # noqa: S106 - a pin
        lambda: ledger.unloading(device_id, old, gen),
        lambda: ledger.unloaded(device_id, old, gen, returned_mib=600),
        lambda: ledger.beat(device_id, old, held=(gen,)),
    ):
        with pytest.raises(UnknownDevice):
            call()
    ledger.withdraw(device_id, old)
    assert ledger.state(device_id).entries == before.entries
