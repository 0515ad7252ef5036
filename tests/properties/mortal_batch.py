"""A gateway and a worker that die over a batch: `python -m tests.properties.mortal_batch ...`.

They live a small life: make a batch with three photos, have it taken as a chunk, work on it, end
it. For each moment, right before or right after one of their calls, a process lives until it kills
itself there, as by `kill -9`.
"""

import argparse
import os
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from pydantic import SecretStr

from tests.contract.batches.world import ROUTE, SETTINGS, World, photo, world
from tests.unit.workers.chunks.scripted_enroller import ScriptedEnroller
from tests.unit.workers.test_runner import ANSWER
from workers.answers.analysis import AnalysisAnswer
from workers.batches.records import NewBatch
from workers.batching import BatchPlan
from workers.blobs.obstore_store import open_blobs
from workers.chunks.enrolling import ItemEnroller
from workers.chunks.feed import ChunkFeeder
from workers.chunks.items import ItemWorks
from workers.chunks.work import ChunkPlan, ChunkWork
from workers.connections.client import connect
from workers.contract import AnalyzeOptions, JobRoute
from workers.dispatch import MemoryJobQueue
from workers.jobs.options import JobOptions
from workers.jobs.store import Claim
from workers.photos.attempts import Ends
from workers.photos.photo import Order
from workers.settings.process import Settings

#: The calls of that life, in their order; those that come several times are meant the first time.
STEPS: Final = (
    "create",
    "put",
    "add_items",
    "close",
    "hunger",
    "make_chunk",
    "publish",
    "claim",
    "unfinished",
    "begin",
    "end_items",
    "delete",
    "release",
    "succeed",
)
MOMENTS: Final = tuple((step, when) for step in STEPS for when in ("before", "after"))
NAMES: Final = ("a", "b", "c")


class Mortal:
    """Hands calls on, and kills its own process at one of them."""

    def __init__(self, mended: Any, moment: tuple[str, str]) -> None:  # noqa: ANN401 - any port
        self._mended = mended
        self._moment = moment

    def __getattr__(self, name: str) -> Callable[..., Any]:
        call: Callable[..., Any] = getattr(self._mended, name)

        def made(*arguments: Any, **more: Any) -> Any:  # noqa: ANN401 - any call of the port
            self._die((name, "before"))
            answer = call(*arguments, **more)
            self._die((name, "after"))
            return answer

        return made

    def _die(self, moment: tuple[str, str]) -> None:
        if moment == self._moment:
            os.kill(os.getpid(), signal.SIGKILL)


class Routes:
    """Sends everything to one queue."""

    def route(self, options: JobOptions) -> JobRoute:
        """See workers.router."""
        assert options.priority == "batch"
        return ROUTE


class Pipeline:
    """Answers every photo."""

    def analyze_many(
        self, orders: Sequence[Order], *, ends: Ends = ()
    ) -> list[AnalysisAnswer | Exception | None]:
        """See workers.photos.pipeline."""
        assert ends
        return [ANSWER for order in orders if order.read()]


class Life:
    """A gateway's and a worker's work on one batch."""

    def __init__(self, it: World, blobs: Path, moment: tuple[str, str] = ("", "")) -> None:
        self.it = it
        self.batch = f"batch_{MOMENTS.index(moment) if moment[0] else 999:032x}"
        self.batches: Any = Mortal(it.batches, moment)
        self.jobs: Any = Mortal(it.jobs, moment)
        self.chunks: Any = Mortal(it.chunks, moment)
        self.blobs: Any = Mortal(open_blobs(f"file://{blobs}"), moment)
        self.messages = MemoryJobQueue()
        self.feeder = ChunkFeeder(
            chunks=self.chunks,
            jobs=self.jobs,
            queue=Mortal(self.messages, moment),
            router=Routes(),
            settings=SETTINGS,
        )

    def submit(self) -> None:
        """What the gateway does; a client repeats it until it was answered."""
        self.batches.create(NewBatch(id=self.batch, options=AnalyzeOptions(), fingerprint="f"))
        items = [photo(self.batch, name) for name in NAMES]
        for item in items:
            self.blobs.put(item.blob_key, b"a photo")
        self.batches.add_items(self.batch, items)
        self.batches.close(self.batch)
        self.feeder.feed(self.batch)

    def work(self, chunk: str) -> None:
        """What a worker does."""
        claim = self.jobs.claim(chunk, claim_id=f"by {os.getpid()}")
        if isinstance(claim, Claim):
            work = ChunkWork(
                chunks=self.chunks,
                feeder=self.feeder,
                works=ItemWorks(Pipeline(), ItemEnroller(ScriptedEnroller())),
                blobs=self.blobs,
                plan=ChunkPlan(batch=BatchPlan(jobs=1, pixels=1000), longest_seconds=60),
                serve_interactive=lambda: None,
            )
            work.run(claim, is_wanted=lambda: True)
            work.close()
            self.jobs.succeed(claim, "{}")


def die(port: int, blobs: Path, moment: tuple[str, str]) -> int:
    """Live until that moment in a process of its own; the signal that ended it."""
    if child := os.fork():
        return os.WTERMSIG(os.waitpid(child, 0)[1])
    settings = Settings(redis_url=SecretStr(f"redis://127.0.0.1:{port}/3"))
    with connect(settings, role="test") as client:
        life = Life(world(client), blobs, moment)
        life.submit()
        while message := life.messages.take():
            life.work(message[0])
    os._exit(0)


def main() -> None:
    """Die at every moment."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--blobs", type=Path, required=True)
    chosen = parser.parse_args()
    for moment in MOMENTS:
        if die(chosen.port, chosen.blobs, moment) != signal.SIGKILL:
            raise SystemExit(f"{moment} was never reached.")


if __name__ == "__main__":
    main()
