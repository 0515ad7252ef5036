"""The worker's own code is killed around every call it makes to the ledger."""

import dataclasses
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from models.catalogue import load_catalogue
from models.weights.store import WeightStore
from tests.properties.mortal_worker import MODEL, WORKER_STEPS, settings_for
from vram.errors import UnknownDevice
from vram.invariants import StreamCheck, check_replay, check_state
from vram.ledger import VramLedger
from vram.records import DeviceState, State
from workers.connections.client import connect, open_fleet, open_ledger
from workers.devices.device import open_device
from workers.devices.setup import find_hardware
from workers.settings.process import Settings

pytestmark = [pytest.mark.redis, pytest.mark.weights, pytest.mark.fleet]
MOMENTS = [(step, when) for step in WORKER_STEPS for when in ("before", "after")]
MOMENTS.remove(("run", "after"))
#: So many at once: each has the inference runtime in memory.
AT_ONCE = 3


@dataclasses.dataclass(frozen=True, kw_only=True)
class Fallen:
    """A store in which a worker has died at every moment, each on a device of its own."""

    settings: Mapping[tuple[str, str], Settings]
    ledger: VramLedger
    #: A lease after the end; missing: nothing was registered.
    states: Mapping[tuple[str, str], DeviceState]


@pytest.fixture(scope="module")
def fallen(
    valkey_port: int, weights: WeightStore, root: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Fallen]:
    settings = {
        moment: settings_for(
            valkey_port, f"sim:200:{number}", weights.root, tmp_path_factory.mktemp("data")
        )
        for number, moment in enumerate(MOMENTS, start=1)
    }
    with connect(settings[MOMENTS[0]], role="test") as client:
        client.flushdb()
        with ThreadPoolExecutor(AT_ONCE) as pool:
            ends = pool.map(
                lambda moment: die(root, valkey_port, settings[moment], moment), MOMENTS
            )
            assert list(ends) == [-signal.SIGKILL] * len(MOMENTS)
        time.sleep(settings[MOMENTS[0]].vram_lease_seconds)
        ledger = open_ledger(client, settings[MOMENTS[0]])
        found = {state.device.id.partition("/")[2]: state for state in ledger.devices()}
        states = {
            moment: found[own.device] for moment, own in settings.items() if own.device in found
        }
        yield Fallen(settings=settings, ledger=ledger, states=states)
        client.flushdb()


def die(root: Path, port: int, settings: Settings, moment: tuple[str, str]) -> int:
    """Let a worker live until that moment; how its process ended."""
    step, when = moment
    command = [sys.executable, "-m", "tests.properties.mortal_worker", "--port", str(port)]
    command += ["--step", step, "--when", when, "--device", settings.device]
    command += ["--weights", str(settings.weights_path), "--data", str(settings.data_dir)]
    return subprocess.run(command, cwd=root, check=False, timeout=120).returncode


@pytest.mark.parametrize("moment", MOMENTS, ids="-".join)
def test_one_lease_after_a_worker_s_end_the_book_says_what_may_be_there(
    fallen: Fallen, moment: tuple[str, str]
) -> None:
    assert (moment in fallen.states) is (moment != ("register", "before"))
    if moment in fallen.states:
        state = fallen.states[moment]
        assert not check_state(state)
        assert {entry.state for entry in state.entries} <= {State.LOST, State.UNLOADING}
        ops = {event.op for event in fallen.ledger.follow(state.device.id)}
        held = "begin" in ops and "unloaded" not in ops
        assert (state.physical_mib + state.foreign_mib > 0) is held


@pytest.mark.parametrize("moment", MOMENTS, ids="-".join)
def test_the_next_worker_serves_from_that_device_and_the_dead_one_is_not_heard(
    fallen: Fallen, moment: tuple[str, str]
) -> None:
    settings, ledger = fallen.settings[moment], fallen.ledger
    found = find_hardware(settings)
    assert found is not None
    with connect(settings, role="test") as client:
        opened = open_device(
            settings,
            found,
            ledger=ledger,
            fleet=open_fleet(client, settings),
            store=WeightStore(settings.weights_path),
            catalogue=load_catalogue(),
        )
        try:
            with opened.residency.use([MODEL]) as models:
                assert models[0].device == settings.device
                assert models[0].reason is None
                refuse_old(fallen, moment)
        finally:
            opened.keeper.close()


def refuse_old(fallen: Fallen, moment: tuple[str, str]) -> None:
    """Say what the dead worker may have had on its way; compare the book with its stream."""
    if moment not in fallen.states:
        return
    ledger, old = fallen.ledger, fallen.states[moment].device
    state = ledger.state(old.id)
    (entry,) = state.entries
    for call in (
        lambda: ledger.unloading(old.id, old.incarnation, entry.gen),
        lambda: ledger.loaded(old.id, old.incarnation, entry.gen, vram_mib=1, load_ms=1.0),
        lambda: ledger.observe(old.id, old.incarnation, used_mib=0, version=state.version),
        lambda: ledger.beat(old.id, old.incarnation, held=()),
    ):
        with pytest.raises(UnknownDevice):
            call()
    check = StreamCheck(state.device)
    assert not check.feed(ledger.follow(old.id))
    assert not check_replay(ledger.state(old.id), check)
