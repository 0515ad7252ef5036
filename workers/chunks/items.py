"""What is done to items of a batch, by what the batch asks: they are analysed, or enrolled."""

from workers.answers.analysis import AnalysisAnswer
from workers.batches.records import BatchOptions, ChunkItem, ItemEnd
from workers.chunks.enrolled_item import EnrolledItemAnswer, refusal
from workers.chunks.enrolling import ItemEnroller
from workers.chunks.step import ItemStep
from workers.contract import AnalyzeOptions
from workers.errors import BlobMissing
from workers.job_errors import job_error
from workers.jobs.batch_key import batch_key
from workers.jobs.options import EnrollOptions
from workers.photos.attempts import Ends
from workers.photos.photo import Order
from workers.runner import Pipeline

#: What is found in an item.
Found = AnalysisAnswer | EnrolledItemAnswer


class ItemWorks:
    """Works on items.

    Args:
        pipeline: Analyses photos.
        enroller: Adds their faces to collections.
    """

    def __init__(self, pipeline: Pipeline, enroller: ItemEnroller) -> None:
        self._pipeline = pipeline
        self._enroller = enroller

    def outcomes(
        self, step: ItemStep, options: BatchOptions, *, ends: Ends
    ) -> list[Found | Exception | None]:
        """For each item what was found, why nothing was, or None: nobody wants it any more.

        Raises:
            DeviceFault: nothing can be run in this process any more.
        """
        if isinstance(options, EnrollOptions):
            return [*self._enroller.enroll(step, options, ends=ends)]
        orders = [_order(step, options, item) for item in step.items]
        return [*self._pipeline.analyze_many(orders, ends=ends)]


def work_key(options: BatchOptions) -> str:
    """What items have in common that take about as long."""
    return batch_key(options) or options.kind


def item_end(
    item: ChunkItem, outcome: Found | Exception, time_limit_error: type[Exception]
) -> ItemEnd:
    """An item's end, as its batch keeps it."""
    if isinstance(outcome, Exception):
        error = job_error(outcome, time_limit_error=time_limit_error)
        has_blob = not isinstance(outcome, BlobMissing)
        return ItemEnd(number=item.number, error=error, has_blob=has_blob)
    return ItemEnd(
        number=item.number,
        result_json=outcome.model_dump_json(exclude_unset=True),
        error=refusal(outcome) if isinstance(outcome, EnrolledItemAnswer) else None,
    )


def _order(step: ItemStep, options: AnalyzeOptions, item: ChunkItem) -> Order:
    return Order(
        read=step.photos[item.number],
        options=options,
        is_wanted=step.is_wanted,
        cause=f"{step.batch}/{item.number}",
    )
