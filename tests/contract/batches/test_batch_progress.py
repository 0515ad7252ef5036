"""Every batch store keeps the same promises: what is told on the way."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.contract.batches.world import (
    World,
    batch_id,
    world,
)
from workers.batches.records import (
    BatchCounts,
    ItemEnd,
    NewBatch,
)
from workers.batches.store import MOST_ADDED
from workers.contract import AnalyzeOptions
from workers.jobs.scripts import CHANGES_CHANNEL
from workers.settings.process import Settings


def test_an_end_is_foreseen_by_what_was_measured(it: World) -> None:
    batch = it.batch(*(f"{number}" for number in range(40)))
    assert it.batches.get(batch).eta_ms is None
    claim = it.taken(batch)
    ends = [ItemEnd(number=number, result_json="{}") for number in range(1, 11)]

    it.chunks.end_items(claim, ends, busy_ms=5000)

    # Ten took five seconds; thirty are left.
    assert it.batches.get(batch).eta_ms == pytest.approx(15_000, rel=0.1)
    it.advance(5)
    assert it.batches.get(batch).eta_ms == pytest.approx(30_000, rel=0.1)
    it.finish(claim)
    hungry = it.chunks.hunger(batch)
    assert hungry is not None
    assert hungry.item_ms == pytest.approx(500)


def test_items_that_come_late_are_foreseen_anew(it: World) -> None:
    batch = it.batch("a")
    it.succeed(it.taken(batch), 1)
    it.advance(1000)
    it.add(batch, "b")

    assert it.batches.get(batch).eta_ms is None


def test_every_change_makes_a_new_version(it: World) -> None:
    batch = it.batch()
    versions = [it.batches.get(batch).version]
    steps: list[Callable[[], object]] = [
        lambda: it.add(batch, "a", "b"),
        lambda: it.batches.close(batch),
        lambda: it.chunk(batch),
    ]
    for step in steps:
        step()
        versions.append(it.batches.get(batch).version)

    assert sorted(set(versions)) == versions


def test_those_looked_after_longest_ago_come_first(it: World) -> None:
    batches = [it.batch("a"), it.batch("a"), it.batch("a")]
    it.advance(1)
    found: list[str] = []
    for _ in range(3):
        found += [one.id for one in it.chunks.tend(1)]
        it.advance(1)

    assert sorted(found) == sorted(batches)


def test_an_unreadable_batch_does_not_keep_others_from_being_served(it: World) -> None:
    newer, good = it.batch("a"), it.batch("a")
    it.client.hset(f"fs:{{jobs}}:batch:{newer}", "options", '{"analyses": ["mind_reading"]}')

    assert [one.id for one in it.chunks.tend(10)] == [good]
    assert [batch.id for batch in it.batches.list("ada", limit=9).batches] == [good]


def test_as_many_items_are_added_and_ended_at_once_as_a_call_may(it: World) -> None:
    large = world(it.client, Settings(batch_chunk_items=500))
    batch = large.batch(*(f"a folder/a photo {number}" for number in range(MOST_ADDED)))

    claim = large.taken(batch, items=500)
    large.succeed(claim, *large.begin(claim, *range(1, 501)))

    assert large.batches.get(batch).counts == BatchCounts(total=1000, pending=500, succeeded=500)


def test_the_end_of_a_batch_is_told_to_its_webhook_once(it: World) -> None:
    made = NewBatch(
        id=batch_id(1), options=AnalyzeOptions(), owner="ada", webhook_url="https://example.org/"
    )
    it.batches.create(made)
    it.add(made.id, "a")
    claim = it.taken(made.id)
    it.batches.close(made.id)
    it.succeed(claim, 1)
    it.finish(claim)
    it.chunks.tend(10)

    [delivery] = it.client.scan_iter("*hooks:delivery:*")
    assert it.client.hmget(delivery, "type", "subject", "url", "owner") == [
        "batch.succeeded",
        made.id,
        "https://example.org/",
        "ada",
    ]


def test_changes_of_a_batch_are_published(it: World) -> None:
    with it.client.pubsub() as told:
        told.subscribe(CHANGES_CHANNEL)
        assert told.get_message(timeout=5)
        batch = it.batch("a", closed=True)
        claim = it.taken(batch)
        it.succeed(claim, 1)
        heard: list[dict[str, Any]] = []
        while message := told.get_message(timeout=0.2):
            heard.append(json.loads(message["data"]))

    of_batch = [one for one in heard if one["kind"] == "batch"]
    assert [one["state"] for one in of_batch] == ["open", "open", "running", "succeeded"]
    assert {(one["id"], one["owner"]) for one in of_batch} == {(batch, "ada")}
    assert of_batch[-1]["version"] == it.final(batch).version
