"""What a worker does for jobs other than photos, which go through the pipeline in batches."""

from collections.abc import Callable
from typing import Protocol

from pydantic import BaseModel

from workers.errors import WorkersError
from workers.jobs.store import Claim


class TurnOver(WorkersError):
    """A work that takes long has had its turn: its job is queued again and goes on later.

    That counts as no attempt. What it has done so far must be where its next turn finds it.
    """


class Work(Protocol):
    """Does jobs of one kind, one at a time, in the process that has claimed them."""

    def run(self, claim: Claim, *, is_wanted: Callable[[], bool]) -> BaseModel | None:
        """The job's answer, written as JSON by the runner with `exclude_unset`.

        Args:
            claim: The job; its blobs are read by the work itself.
            is_wanted: False as soon as the job's end was asked for or its lease was lost; asked
                between steps.

        Returns:
            None when it stopped because nobody wants it any more.

        Raises:
            Exception: `workers.job_errors.job_error` says what it means for the job.
        """
        ...
