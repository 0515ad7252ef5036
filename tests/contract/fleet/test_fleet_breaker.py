"""A device that fails jobs rests, and is tried again carefully."""

from dataclasses import replace

from tests.contract.fleet.cards import CARD, Subject, breaker, card, fail, ids, publish
from vram.fleet import Fleet
from vram.redis_fleet import PREFIX


def test_failures_in_a_row_open_the_breaker(fleet: Fleet) -> None:
    publish(fleet, CARD)

    states = [fleet.served(CARD.id, ok=ok) for ok in (False, False, True, False, False, False)]

    assert states == ["closed"] * 5 + ["open"]
    assert fleet.outlook(["sface"]).candidates == (replace(CARD, breaker="open"),)


def test_an_open_breaker_lets_one_job_through_after_a_while(subject: Subject) -> None:
    fleet = subject.fleet
    fleet.publish(CARD, live_seconds=60)
    fail(fleet, 3)
    subject.advance(29.999)
    assert breaker(fleet) == "open"

    subject.advance(0.001)

    assert [breaker(fleet) for _ in range(3)] == ["half_open", "open", "open"]
    subject.advance(3)
    assert [breaker(fleet) for _ in range(2)] == ["half_open", "open"]


def test_the_job_that_was_let_through_decides(subject: Subject) -> None:
    fleet = subject.fleet
    fleet.publish(CARD, live_seconds=600)
    fail(fleet, 3)
    subject.advance(30)
    assert breaker(fleet) == "half_open"
    assert fleet.served(CARD.id, ok=False) == "open"
    subject.advance(29)
    assert breaker(fleet) == "open"
    subject.advance(1)
    assert breaker(fleet) == "half_open"

    assert fleet.served(CARD.id, ok=True) == "closed"

    assert [breaker(fleet) for _ in range(2)] == ["closed", "closed"]
    assert [fleet.served(CARD.id, ok=False) for _ in range(2)] == ["closed", "closed"]


def test_jobs_that_fail_while_it_is_open_don_t_keep_it_open(subject: Subject) -> None:
    fleet = subject.fleet
    fleet.publish(CARD, live_seconds=600)
    fail(fleet, 3)
    subject.advance(20)
    fail(fleet, 5)
    subject.advance(10)

    assert breaker(fleet) == "half_open"


def test_a_new_worker_does_not_close_the_breaker(fleet: Fleet) -> None:
    publish(fleet, CARD)
    fail(fleet, 3)
    publish(fleet, replace(CARD, incarnation=2))

    assert breaker(fleet) == "open"


def test_a_device_nobody_knows_has_no_breaker(subject: Subject) -> None:
    assert [subject.fleet.served("box9/cuda:0", ok=False) for _ in range(5)] == ["closed"] * 5
    assert list(subject.client.scan_iter(PREFIX + "*")) == []


def test_looking_at_breakers_takes_nobody_s_turn(subject: Subject) -> None:
    fleet = subject.fleet
    fleet.publish(CARD, live_seconds=600)
    fail(fleet, 3)
    assert fleet.breakers([CARD.id, "box9/cuda:0"]) == {CARD.id: "open", "box9/cuda:0": "closed"}
    subject.advance(30)

    assert [fleet.breakers([CARD.id])[CARD.id] for _ in range(2)] == ["half_open"] * 2
    assert breaker(fleet) == "half_open"
    assert fleet.breakers([]) == {}


def test_counts_and_times_are_told_without_candidates(subject: Subject) -> None:
    fleet = subject.fleet
    fleet.publish(CARD, live_seconds=600)
    fleet.learn(service_ms={("cpu", "sface"): 40.0})
    fail(fleet, 3)
    subject.advance(30)

    outlook = fleet.outlook(["sface"], limit=0)

    assert (outlook.candidates, outlook.live_devices) == ((), 1)
    assert outlook.service_ms == {("cpu", "sface"): 40.0}
    assert breaker(fleet) == "half_open"


def test_a_device_with_an_open_breaker_comes_last(fleet: Fleet) -> None:
    rival = card(2, resident=(), coming=(), free_mib=0)
    publish(fleet, CARD, rival)
    fail(fleet, 3)

    assert ids(fleet, "sface", "yunet") == [rival.id, CARD.id]
