"""Hypothesis drives batches through everything that can happen to them, in any order."""

from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

from tests.contract.batches.world import (
    LASTING,
    PASSING,
    ROUTE,
)
from tests.properties.batch_rules import NAMES, PICK, GatewayRules
from workers.batches.records import ChunkWish, ItemEnd, ItemState
from workers.batches.scripts import BATCH_PREFIX
from workers.errors import (
    BatchExpired,
    LeaseLost,
)

#: Places in a chunk; the last ones mean an item of another chunk.
PARTS = st.sets(st.integers(0, 7), min_size=1, max_size=4)
#: Beyond a lease; beyond the time for a retry; beyond that of results and open batches. No sum of
#: few of them comes near these limits.
LOST_SECONDS, OVER_SECONDS, EXPIRED_SECONDS = 13, 700, 4000


class BatchMachine(GatewayRules):
    """What workers and time do, and what has to hold."""

    # -- what workers do --------------------------------------------------------------------------

    @rule(pick=PICK, most=st.integers(1, 5))
    def make_chunk(self, pick: int, most: int) -> None:
        """A chunk, if it could do with one."""
        if (batch := self.picked(pick)) is None:
            return
        hungry = self.it.chunks.hunger(batch)
        assert (hungry is not None) is self.model.is_hungry(batch)
        wish = ChunkWish(
            id=f"job_{next(self.it.numbers):032x}", batch_id=batch, route=ROUTE, items=most
        )
        numbers = self.model.take(wish.id, batch, most) if hungry else ()
        assert self.it.chunks.make_chunk(wish) == len(numbers)
        assert self.it.chunks.make_chunk(wish) == len(numbers)

    @rule(pick=PICK)
    def claim(self, pick: int) -> None:
        """A worker takes a chunk that waits."""
        waiting = [name for name, one in sorted(self.model.chunks.items()) if one.state == "queued"]
        if waiting:
            name = waiting[pick % len(waiting)]
            claim = self.it.claim(name)
            chunk = self.model.chunks[name]
            chunk.state, chunk.attempt, chunk.fence = "running", chunk.attempt + 1, claim.fence
            self.claims.append(claim)
            left = [item.number for item in self.it.chunks.unfinished(claim)]
            assert left == [number for number, _ in self.model.held(name)]

    @rule(pick=PICK, places=PARTS)
    def begin(self, pick: int, places: set[int]) -> None:
        """A worker begins with items."""
        if (claim := self.claimed(pick)) is None:
            return
        numbers, step = self.numbers(claim, places), f"step{next(self.it.numbers)}"
        if self.holds(claim):
            allowed = self.model.begin(claim.job.id, numbers)
            for _ in range(2):
                assert tuple(self.it.chunks.begin(claim, numbers, step=step)) == allowed
        else:
            self.refused(LeaseLost, lambda: self.it.chunks.begin(claim, numbers, step=step))

    @rule(pick=PICK, places=PARTS)
    def begin_and_take_back(self, pick: int, places: set[int]) -> None:
        """A worker begins with items and is told to stop."""
        claim = self.held(pick)
        if claim is None:
            return
        numbers = self.numbers(claim, places)
        step = f"step{next(self.it.numbers)}"
        allowed = self.model.begin(claim.job.id, numbers)
        assert tuple(self.it.chunks.begin(claim, numbers, step=step)) == allowed
        for _ in range(2):
            self.it.chunks.take_back(claim, numbers, step=step)
        for number, item in self.model.held(claim.job.id):
            item.tries -= number in allowed

    @rule(pick=PICK, places=PARTS, end=st.sampled_from(["well", "well", "badly", "for good"]))
    def end(self, pick: int, places: set[int], end: str) -> None:
        """A worker ends items."""
        if (claim := self.claimed(pick)) is None:
            return
        numbers = self.numbers(claim, places)
        error = {"well": None, "badly": PASSING, "for good": LASTING}[end]
        result = None if error else "{}"
        ends = [ItemEnd(number=n, result_json=result, error=error) for n in numbers]

        def write() -> None:
            self.it.chunks.end_items(claim, ends, busy_ms=5)

        if self.holds(claim):
            state = ItemState.FAILED if error else ItemState.SUCCEEDED
            self.model.end(claim.job.id, numbers, state, retryable=end == "badly")
            write()
            write()
        else:
            self.refused(LeaseLost, write)

    @rule(pick=PICK, how=st.sampled_from(["finish", "finish", "fail", "give back", "stop"]))
    def end_chunk(self, pick: int, how: str) -> None:
        """A worker ends a chunk, properly or not."""
        claim = self.held(pick)
        if claim is None:
            return
        chunk, jobs = self.model.chunks[claim.job.id], self.it.jobs
        if how == "finish":
            assert self.it.chunks.release(claim) == self.model.release(claim.job.id)
            assert self.it.chunks.release(claim) == 0
            jobs.succeed(claim, "{}")
            chunk.state = "succeeded"
        elif how == "fail":
            jobs.fail(claim, LASTING)
            chunk.state = "failed"
        else:
            jobs.give_back(claim, counted=how == "give back")
            chunk.attempt -= how == "stop"
            chunk.state = "cancelled" if chunk.cancel else "queued"
            if chunk.state == "queued" and chunk.attempt == 3:
                assert jobs.claim(claim.job.id, claim_id="one too many") == "poisoned"
                chunk.state = "failed"

    @rule(pick=PICK, names=NAMES, most=st.integers(2, 6), places=PARTS, close=st.booleans())
    def work(self, pick: int, names: list[str], most: int, places: set[int], close: bool) -> None:
        """A worker takes items and begins with some; if there are none, they come."""
        hungry = sorted(self.model.hungry())
        if not hungry:
            self.create()
            going_on = sorted(name for name, one in self.model.batches.items() if not one.end)
            self.add(sorted(self.model.batches).index(going_on[-1]), names, "a photo")
            hungry = sorted(self.model.hungry())
        if hungry:
            place = sorted(self.model.batches).index(hungry[pick % len(hungry)])
            self.make_chunk(place, most)
            self.claim(-1)
            self.begin(0, places)
            if close:
                self.close(place)

    @rule(places=PARTS, end=st.sampled_from(["well", "badly", "for good"]))
    def work_and_lose(self, places: set[int], end: str) -> None:
        """A worker dies over items; another goes on, and the first comes back to life."""
        if (claim := self.held(0)) is None:
            return
        numbers = self.numbers(claim, places)
        self.model.begin(claim.job.id, numbers)
        self.it.begin(claim, *numbers)
        self.lose(LOST_SECONDS)
        self.claim(0)
        self.end(0, places, end)
        self.begin(1, places)
        self.end(1, places, "badly")

    @rule(pick=PICK, places=PARTS, end=st.sampled_from(["finish", "fail", "lose"]))
    def cancel_work(self, pick: int, places: set[int], end: str) -> None:
        """A batch's end is asked for while a worker has items of it."""
        if (claim := self.held(pick)) is None:
            return
        batch = self.model.chunks[claim.job.id].batch
        if batch in self.model.batches:
            self.it.batches.cancel(batch)
            self.model.cancel(batch)
            self.end(0, places, "well")
            if end == "lose":
                self.model.now += LOST_SECONDS
                self.it.lose(LOST_SECONDS)
                self.model.lose()
            elif self.holds(claim):
                self.end_chunk(pick, end)
            self.tend()

    @rule(pick=PICK)
    def fail_all_and_retry(self, pick: int) -> None:
        """A batch whose items fail is retried; the worker that had them is still there."""
        if (claim := self.held(pick)) is None:
            return
        batch = self.model.chunks[claim.job.id].batch
        if batch in self.model.batches:
            self.it.batches.close(batch)
            self.model.batches[batch].is_closed = True
            self.model.batches[batch].settle_state(self.model.now)
            self.end(self.claims[::-1].index(claim), set(range(6)), "badly")
            self.retry(sorted(self.model.batches).index(batch), only_retryable=True)

    @rule(seconds=st.sampled_from([LOST_SECONDS, LOST_SECONDS, OVER_SECONDS, EXPIRED_SECONDS]))
    def lose(self, seconds: int) -> None:
        """All workers die; time passes until somebody looks."""
        self.model.now += seconds
        self.it.lose(seconds)
        self.model.lose()
        # That there was one is known for a time only.
        kept = self.gone if seconds == LOST_SECONDS else set()
        self.gone = kept | self.model.expire()
        # What has ended is looked at for a while only: the others are what matters.
        ended = sorted(name for name, batch in self.model.batches.items() if batch.end)
        for name in ended[:-3]:
            self.delete(sorted(self.model.batches).index(name))

    @rule()
    def tend(self) -> None:
        """Maintenance looks after batches."""
        self.model.tend()
        assert {one.id for one in self.it.chunks.tend(100)} == self.model.hungry()

    # -- what has to hold -------------------------------------------------------------------------

    @invariant()
    def store_and_model_agree(self) -> None:
        """After every step: states, counts, tries, and how often an end was written."""
        for name, batch in self.model.batches.items():
            found = self.it.batches.get(name)
            assert found.state is batch.state
            assert found.counts.total == len(batch.items)
            assert self.it.counts(name) == {state: batch.count(state) for state in ItemState}
            items = self.it.batches.items(name, limit=1000).items
            assert [(item.state, item.tries) for item in items] == [
                (item.state, item.tries) for item in batch.items
            ]
            assert self.client.hget(BATCH_PREFIX + name, "done") == str(batch.done)
        for name in self.gone:
            self.refused(BatchExpired, lambda gone=name: self.it.batches.get(gone))  # type: ignore[misc]

    def teardown(self) -> None:
        """Whatever happened, every batch ends, and soon."""
        for batch in self.model.batches:
            self.it.batches.close(batch)
        for _ in range(30):
            self.it.lose(LOST_SECONDS)
            hungry = {one.id for one in self.it.chunks.tend(100)}
            for name in sorted(hungry):
                self.it.chunk(name)
            for name in self.waiting():
                claim = self.it.claim(name)
                left = [item.number for item in self.it.chunks.unfinished(claim)]
                self.it.succeed(claim, *self.it.begin(claim, *left)) if left else None
                self.it.finish(claim)
            if all(self.it.batches.get(name).state.is_final for name in self.model.batches):
                return
        raise AssertionError({name: self.it.batches.get(name) for name in self.model.batches})
