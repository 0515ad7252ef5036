"""How the ledger lies in its store: keys, fields, layout version, exact numbers."""

import dataclasses
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import redis

from tests.contract.ledger.desk import CARD, ME, Desk
from vram.answers import Ask
from vram.errors import LedgerUnavailable
from vram.ledger_codec import decoded
from vram.records import Command, Device, Limits
from vram.redis_ledger import RedisLedger, device_keys

#: A token nobody would write.
ODD = '{"t"}'
ASK = Ask(model="m", vram_mib=100, priority="medium", token=ME)


def test_keys_of_a_device_share_a_slot_and_never_expire(desk: Desk) -> None:
    desk.load("m", 100)
    desk.ledger.command(desk.device.id, Command(id="c", action="load", model="m"))

    names = {key.decode() if isinstance(key, bytes) else key for key in desk.client.keys("*")}

    assert names == {"fs:{vram}:devices", *device_keys(desk.device.id)}
    assert {name[name.index("{") : name.index("}") + 1] for name in names} == {
        "{vram}",
        "{vram:box/cuda:0}",
    }
    assert {desk.client.ttl(name) for name in names} == {-1}


def test_an_unknown_layout_is_refused_and_left_alone(desk: Desk) -> None:
    key = device_keys(desk.device.id)[0]
    desk.client.hset(key, "layout", "2")
    before = desk.client.hgetall(key)

    for call in (
        desk.beat,
        lambda: desk.ask("m", 100),
        lambda: desk.register(incarnation=6),
        lambda: desk.ledger.withdraw(*desk.holder),
        lambda: desk.state,
        desk.ledger.devices,
    ):
        with pytest.raises(LedgerUnavailable, match="LAYOUT 2"):
            call()

    assert desk.client.hgetall(key) == before


def test_the_server_s_clock_counts_where_no_other_is_given(client: redis.Redis) -> None:
    ledger = RedisLedger(client, silent_seconds=15.0)
    seconds, _ = client.time()
    device = Device(
        id="d",
        kind="simulated",
        name="d",
        host="box",
        total_mib=100,
        reserved_mib=0,
        context_mib=0,
        headroom_mib=0,
        verified=True,
        incarnation=ledger.next_incarnation("d"),
    )
    ledger.register(device)

    assert 0 <= ledger.state("d").now_ms / 1000 - int(seconds) < 60
    assert 0 <= device.incarnation / 1e6 - int(seconds) < 60
    assert ledger.state("d").silent_seconds < 15


def test_every_field_of_the_store_is_in_the_reference(desk: Desk, root: Path) -> None:
    desk.observe(300)
    first = desk.reserve("m", 100)
    desk.begin(first, free_mib=0)
    desk.reserve("n", 100)
    desk.begin(desk.reserve("o", 100))
    desk.ledger.fail(*desk.holder, 3, why="x")
    desk.load("p", 100)
    desk.ask("q", 2000)
    device, entries, models, *_ = (
        desk.client.hgetall(key) for key in device_keys(desk.device.id)[:3]
    )

    text = (root / "docs/reference/redis-keys.md").read_text(encoding="utf-8")
    known = set(re.findall(r"`([a-z_]+)`", text.split("## VRAM ledger")[1]))
    written = {name for name in decoded(device) if not name.startswith("n:")}
    for value in (*decoded(entries).values(), *decoded(models).values()):
        written |= set(json.loads(value))
    assert {"answer", "told", "measured", "failed", "last"} < written
    assert written - known == set()


@pytest.mark.parametrize(
    ("make", "what"),
    [
        (lambda: dataclasses.replace(CARD, total_mib=2**53), "total_mib"),
        (lambda: dataclasses.replace(CARD, headroom_mib=-1), "headroom_mib"),
        (lambda: dataclasses.replace(ASK, vram_mib=-1), "vram_mib"),
        (lambda: Limits(critical_share=0, high_share=0, flexible_share=0), "shares"),
        (lambda: Limits(critical_share=-1), "shares"),
    ],
)
def test_what_can_not_be_reckoned_with_is_refused(make: Callable[[], object], what: str) -> None:
    with pytest.raises(ValueError, match=what):
        make()


def test_odd_names_and_large_numbers_stay_exact(desk: Desk) -> None:
    odd = desk.register(
        id='b{o}x/"ü"', name='ü "card" \n', incarnation=2**53 - 2, total_mib=2_000_000_000
    )
    gen = desk.load('a/b "c" ü', 1_000_000_000, priority="critical", token=ODD)

    state = desk.state
    assert state.device == odd
    entry = desk.entry(gen)
    assert (entry.model, entry.vram_mib) == ('a/b "c" ü', 1_000_000_000)
    assert entry.incarnation == 2**53 - 2
    assert desk.ask('a/b "c" ü', 1, token=ODD).outcome == "gpu"
    assert list(desk.entry(gen).pins) == [ODD]
