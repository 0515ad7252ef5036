"""What the answers to jobs other than photos have in common."""

from collections.abc import Sequence

from pydantic import Field

from workers.answers.analysis import DegradedAnswer
from workers.answers.part import Answer
from workers.notes import Note


class WorkAnswer(Answer):
    """Found by one step after the other; the members below are told by workers, not by commands."""

    #: What the worker was started on.
    device: str | None = None
    #: True when `device` is simulated: nothing ran on a GPU.
    simulated: bool | None = None
    #: What went otherwise than planned; left out when nothing did.
    degraded: tuple[DegradedAnswer, ...] = ()
    #: Milliseconds; `total` is from the job's beginning to its answer.
    timings_ms: dict[str, float] = Field(default_factory=dict)


def degraded_answer(notes: Sequence[Note]) -> tuple[DegradedAnswer, ...]:
    """What went otherwise than planned, as users see it."""
    return tuple(
        DegradedAnswer(model=note.model, step=note.step, reason=note.reason, message=note.message)
        for note in notes
    )
