"""A worker over chunks whose photos say what comes of them."""

import dataclasses
from collections.abc import Callable, Sequence

from models.errors import DeviceFault
from tests.contract.batches.world import World, batch_id, photo
from tests.unit.workers.chunks.scripted_enroller import ScriptedEnroller
from tests.unit.workers.test_runner import ANSWER
from workers.answers.analysis import AnalysisAnswer
from workers.batches.records import NewBatch
from workers.batching import BatchPlan
from workers.blobs.store import MemoryBlobs
from workers.chunks.enrolling import ItemEnroller
from workers.chunks.items import ItemWorks
from workers.chunks.work import ChunkAnswer, ChunkPlan, ChunkWork
from workers.errors import ImageRejected
from workers.jobs.options import EnrollOptions
from workers.jobs.store import Claim
from workers.photos.attempts import Ends
from workers.photos.photo import Order

ENROLL = EnrollOptions(
    collection=f"col_{1:032x}", person="", face="largest", by="ada", credential_id="key_1"
)


class OutOfTimeError(Exception):
    """What this worker's tasks get when they run too long."""


#: Content of a photo -> what comes of it.
FAULTS: dict[bytes, Callable[[], Exception | SystemExit]] = {
    b"broken": lambda: ImageRejected("image_damaged", "It is damaged."),
    b"kills": lambda: DeviceFault("The device is gone."),
    b"stops": SystemExit,
    b"hangs": OutOfTimeError,
}


def _fault(content: bytes) -> None:
    if content in FAULTS:
        error = FAULTS[content]()
        raise error


@dataclasses.dataclass(kw_only=True)
class Scripted:
    """Answers photos by their content, and tells which were looked at together."""

    steps: list[list[bytes]] = dataclasses.field(default_factory=list)
    #: Called before a step's answers are given.
    meanwhile: Callable[[], object] = bool

    def analyze_many(
        self, orders: Sequence[Order], *, ends: Ends = ()
    ) -> list[AnalysisAnswer | Exception | None]:
        self.steps.append([])
        answers = [self._analyze(order, ends) for order in orders]
        self.meanwhile()
        return answers

    def _analyze(self, order: Order, ends: Ends) -> AnalysisAnswer | Exception | None:
        if not order.is_wanted():
            return None
        broken: Ends = (DeviceFault, *ends)
        try:
            content = order.read()
            self.steps[-1].append(content)
            _fault(content)
        except broken:
            raise
        except Exception as error:  # noqa: BLE001 - as the pipeline does
            return error
        return ANSWER


@dataclasses.dataclass(kw_only=True)
class Worker:
    """A worker with chunks to do."""

    it: World
    blobs: MemoryBlobs
    pipeline: Scripted = dataclasses.field(default_factory=Scripted)
    enroller: ScriptedEnroller = dataclasses.field(default_factory=ScriptedEnroller)
    served: int = 0
    fed: list[str] = dataclasses.field(default_factory=list)
    plan: BatchPlan = dataclasses.field(default_factory=lambda: BatchPlan(jobs=1, pixels=1000))
    longest_seconds: float = 60.0

    def batch(self, *contents: str, keep_photos: bool = False) -> str:
        """A closed batch with photos of these contents."""
        batch = self.it.batch(keep_photos=keep_photos)
        items = [photo(batch, f"{n}", content) for n, content in enumerate(contents)]
        for item in items:
            self.blobs.put(item.blob_key, item.sha256.encode())
        self.it.batches.add_items(batch, items)
        self.it.batches.close(batch)
        return batch

    def enrolment(self, *contents: str) -> str:
        """A closed batch that enrols photos of these contents, each of another person."""
        made = NewBatch(id=batch_id(next(self.it.numbers)), options=ENROLL, owner="ada")
        batch = self.it.batches.create(made).batch.id
        items = [
            dataclasses.replace(
                photo(batch, f"{n}.jpg", content), subject=f"person-{n}", leaf=40 + n
            )
            for n, content in enumerate(contents)
        ]
        for item in items:
            self.blobs.put(item.blob_key, item.sha256.encode())
        self.it.batches.add_items(batch, items)
        self.it.batches.close(batch)
        return batch

    def feed(self, batch_id: str) -> int:
        self.fed.append(batch_id)
        return 0

    def serve(self) -> None:
        self.served += 1

    def work(self) -> ChunkWork:
        return ChunkWork(
            chunks=self.it.chunks,
            feeder=self,
            works=ItemWorks(self.pipeline, ItemEnroller(self.enroller, longest_seconds=5)),
            blobs=self.blobs,
            plan=ChunkPlan(
                batch=self.plan,
                longest_seconds=self.longest_seconds,
                time_limit_error=OutOfTimeError,
            ),
            serve_interactive=self.serve,
        )

    def run(
        self, claim: Claim, *, is_wanted: Callable[[], bool] = lambda: True
    ) -> ChunkAnswer | None:
        return self.work().run(claim, is_wanted=is_wanted)
