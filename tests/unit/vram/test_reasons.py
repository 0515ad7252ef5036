"""Every code has a sentence with its figures."""

import re
from pathlib import Path

import pytest

from vram.answers import REASONS, Reason, Reservation, Victim
from vram.reasons import ANSWERS, EVENTS, ROUTES, duration, of_event, of_reservation, of_route
from vram.records import Event
from vram.routing import ROUTE_REASONS, Route

#: A code span of one word.
WORD = re.compile(r"`([a-z_]+)`")


def event(op: str, why: str, *, model: str | None = "sface", **detail: str) -> Event:
    return Event(
        id="1-0",
        op=op,
        why=why,
        model=model,
        gen=1,
        entry=None,
        physical_mib=100,
        planned_mib=100,
        usable_mib=600,
        foreign_mib=30,
        detail=detail,
    )


def test_every_reason_and_every_route_has_a_sentence() -> None:
    assert set(ANSWERS) == set(REASONS)
    assert set(ROUTES) == set(ROUTE_REASONS)


def test_every_event_of_the_reference_has_a_sentence(root: Path) -> None:
    text = (root / "docs" / "reference" / "vram.md").read_text(encoding="utf-8")
    table = text.split("\n## Events\n", 1)[1].split("\n## ", 1)[0]
    known = {*EVENTS, *(f"reserve {reason}" for reason in REASONS)}

    told = set()
    for row in re.findall(r"^\| (`[a-z_`, ]+) \| (.+) \|$", table, re.MULTILINE):
        operations, whys = (WORD.findall(cell) for cell in row)
        for operation in operations:
            assert whys or operation in known
            # Two operations of one row share their whys; each has some of them.
            told |= {why for why in whys if f"{operation} {why}" in known}
            told |= set(whys) if operation in known else set()
    everything = set(
        WORD.findall("".join(re.findall(r"^\| `.+? \| (.+) \|$", table, re.MULTILINE)))
    )

    assert {"evicted", "written_off", "room", "foreign_grew"} <= told
    assert everything - told == set()


@pytest.mark.parametrize("reason", REASONS)
def test_an_answer_names_the_model_and_holds_no_gap(reason: Reason) -> None:
    answer = Reservation(
        outcome="cpu",
        reason=reason,
        vram_mib=200,
        short_mib=17,
        retry_ms=1500,
        rent_ms=80,
        rent_needed_ms=900,
        victims=(Victim(gen=1, model="yunet", vram_mib=20),),
    )

    told = of_reservation("sface", answer)

    assert "sface" in told
    assert told.endswith(".")
    assert "{" not in told
    assert "?" not in told


def test_figures_are_told_in_their_units() -> None:
    short = Reservation(outcome="cpu", reason="eviction_insufficient", short_mib=17)
    rent = Reservation(outcome="cpu", reason="rent_not_earned", rent_ms=80, rent_needed_ms=2900)

    assert "17 MiB are missing for sface" in of_reservation("sface", short)
    assert "has cost 2.9 s; so far it has cost 80 ms" in of_reservation("sface", rent)
    assert [duration(ms) for ms in (0, 999, 1000, 89_000, 120_000)] == [
        "0 ms",
        "999 ms",
        "1.0 s",
        "89.0 s",
        "2 min",
    ]


def test_a_route_says_what_it_knows() -> None:
    route = Route(
        device=None,
        reason="cpu_faster",
        detail={"device": "a/cuda:0", "ahead": 40, "device_ms": 1200, "cpu_ms": 300},
    )

    assert of_route(route) == (
        "The CPU is expected to be done sooner, after 300 ms instead of 1.2 s: 40 jobs wait for "
        "a/cuda:0. Interactive jobs wait for it."
    )


@pytest.mark.parametrize("name", EVENTS)
def test_events_are_told_without_gaps(name: str) -> None:
    op, _, why = name.partition(" ")
    told = of_event(
        event(
            op,
            why or "operator_asked",
            asker="yunet",
            load_ms="300",
            before_mib="10",
            missing_mib="0" if why == "unloaded" else "3",
            free_mib="3",
            step="cpu",
            failures="2",
            answer="done",
        )
    )

    assert told.endswith(".")
    assert "{" not in told


def test_a_decision_is_told_with_the_figures_of_its_event() -> None:
    told = of_event(event("reserve", "rent_not_earned", rent_ms="80", rent_needed_ms="900"))

    assert told.startswith("sface would push out models")
    assert "900 ms" in told


def test_an_event_of_a_newer_version_is_told_by_its_codes() -> None:
    assert of_event(event("teleport", "wormhole_open")) == "teleport: wormhole open sface"
    assert of_event(event("observe", "pressure_on", model=None)).startswith("The device is nearly")
