"""One photo's fault is not its neighbours': what fails together is tried once more, each alone."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import structlog

from models.errors import CatalogueError, WeightsError
from workers.stages.stage import AnalysisUnavailable

P = TypeVar("P")
V = TypeVar("V")

#: Errors that end a whole batch, such as a time limit's.
Ends = tuple[type[Exception], ...]
#: What is no photo's fault and would be the same for each alone.
_THE_SAME_FOR_ALL = (AnalysisUnavailable, CatalogueError, WeightsError)

_log = structlog.get_logger()


def together_or_alone(
    run: Callable[[Sequence[P]], Sequence[V]],
    photos: Sequence[P],
    *,
    stage: str,
    ends: Ends,
) -> list[V | Exception]:
    """Run a stage over several photos; if it fails, over each alone, so that only one may fail.

    Args:
        run: Answers for each photo, in their order.
        photos: At least one.
        stage: Named in the log.
        ends: Raised on.

    Returns:
        For each photo the answer, or why there is none.
    """
    try:
        return list(run(photos))
    except ends:
        raise
    except _THE_SAME_FOR_ALL as error:
        return [error] * len(photos)
    except Exception as error:  # noqa: BLE001 - sorted out one by one, told by the caller
        if len(photos) == 1:
            return [error]
        _log.warning("batch.one_by_one", stage=stage, photos=len(photos), error=str(error))
    # Outside of the handler: a traceback holds on to the tensors of its frames.
    return [together_or_alone(run, [photo], stage=stage, ends=ends)[0] for photo in photos]
